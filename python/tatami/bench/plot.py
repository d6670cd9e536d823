"""Pictures of a run: each kernel's share of its limit and its ratio to the peers; a roofline."""

from __future__ import annotations

from pathlib import Path

from .measure import Row

COLOURS = {
    "matmul": "#2b6cb0",
    "convolution": "#2f855a",
    "pooling": "#b7791f",
    "recurrent": "#6b46c1",
    "normalization": "#c05621",
    "softmax": "#b83280",
    "elementwise": "#2c7a7b",
    "draws": "#b7472a",
    "optimizer": "#4a5568",
    "bfloat16": "#97266d",
    "tiny calls": "#718096",
}
PEERS = {
    "numpy": ("NumPy", "#1a202c", "o"),
    "torch": ("PyTorch", "#dd6b20", "D"),
    "onnxruntime": ("ONNX Runtime", "#3182ce", "s"),
}


def write(folder: Path, about: dict, rows: list[Row]) -> list[Path]:
    """``bench.png`` and, where anything was computed, ``roofline.png``."""
    rows = [row for row in rows if "tatami" in row.seconds]
    pictures = []
    if rows:
        figure = new_figure(about, 13, 1.6 + 0.2 * len(rows))
        shares, ratios = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1))
        draw_shares(shares, rows)
        draw_ratios(ratios, rows)
        pictures.append(folder / "bench.png")
        figure.savefig(pictures[-1], dpi=110)
    rows = [row for row in rows if row.case.operation.flops and row.peak and row.bandwidth]
    if rows:
        figure = new_figure(about, 9, 6)
        draw_roofline(figure.subplots(), rows)
        pictures.append(folder / "roofline.png")
        figure.savefig(pictures[-1], dpi=110)
    return pictures


def new_figure(about: dict, width: float, height: float):
    from matplotlib.figure import Figure  # a Figure of its own: no display and no global state

    figure = Figure(figsize=(width, height), layout="constrained")
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    title = f"{about['machine']}, {about['threads']} threads, float32 unless named - {versions}"
    figure.suptitle(title, fontsize=10 if width > 10 else 8)
    return figure


def draw_shares(axes, rows: list[Row]) -> None:
    places = range(len(rows))
    colours = [COLOURS[row.case.operation.family] for row in rows]
    axes.barh(places, [row.share or 0 for row in rows], color=colours, height=0.72)
    for place, row in enumerate(rows):
        if row.case.goal:
            axes.plot([row.case.goal] * 2, [place - 0.42, place + 0.42], color="black", lw=1.6)
        if row.share:  # inside the bar, where no goal's tick hides it
            inside = row.share > 0.08
            style = {"color": "white"} if inside else {"color": "black"}
            at = 0.008 if inside else row.share + 0.008
            axes.text(at, place, f"{row.share:.0%}", va="center", fontsize=6.5, **style)
    axes.set_yticks(places, [row.case.name for row in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, max(1.0, *(row.share or 0 for row in rows)) * 1.08)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("share of the measured limit (black tick: goal)", fontsize=9, loc="left")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def draw_ratios(axes, rows: list[Row]) -> None:
    from matplotlib.ticker import LogLocator

    for place, row in enumerate(rows):
        pair = [row.ratio(peer) for peer in PEERS if row.ratio(peer)]
        if pair:  # from the fastest peer to 1: how far ahead or behind
            axes.plot([1, min(pair)], [place, place], color="#a0aec0", lw=1.2, zorder=2)
    for peer, (label, colour, marker) in PEERS.items():
        points = [(row.ratio(peer), k) for k, row in enumerate(rows) if row.ratio(peer)]
        if points:
            axes.scatter(
                *zip(*points, strict=True), color=colour, marker=marker, s=18, label=label, zorder=3
            )
    axes.axvline(1, color="black", lw=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.set_title("times faster (right of 1x) than the peer", fontsize=9, loc="left", pad=22)
    axes.grid(axis="x", alpha=0.3)
    axes.grid(axis="y", alpha=0.15)
    axes.tick_params(axis="y", length=0)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False)


def draw_roofline(axes, rows: list[Row]) -> None:
    """Rates over operations a byte, below what multiply-adds and memory allow."""
    peak = max(row.peak for row in rows) / 1e9
    bandwidths = [row.bandwidth / 1e9 for row in rows]
    work = [row.case.operation.flops / row.bytes for row in rows]
    ends = min(work) / 2, max(work) * 2
    for bandwidth, style, where in (
        (min(bandwidths), "-", "memory"),
        (max(bandwidths), "--", "the cores' caches"),
    ):
        line = [ends[0], peak / bandwidth, ends[1]]
        label = f"{bandwidth:.0f} GB/s, a copy in {where}"
        rates = [min(peak, x * bandwidth) for x in line]
        axes.plot(line, rates, style, color="black", lw=1, label=label)
    families = dict.fromkeys(row.case.operation.family for row in rows)
    for family in families:
        points = [
            (x, row.case.operation.flops / row.seconds["tatami"] / 1e9)
            for x, row in zip(work, rows, strict=True)
            if row.case.operation.family == family
        ]
        x, y = zip(*points, strict=True)
        axes.scatter(x, y, s=22, color=COLOURS[family], label=family, zorder=3)
    axes.set(xscale="log", yscale="log", xlim=ends)
    axes.set_xlabel("floating-point operations (of the direct method) a byte read or written once")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"roofline: {peak:.0f} GFLOP/s of multiply-adds", fontsize=9, loc="left")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
