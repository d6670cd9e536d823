"""What a run says: a table on the terminal and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import geometric_mean

from .measure import Row

COLUMNS = ("kernel", "time", "rate", "of limit", "goal", "vs NumPy", "vs PyTorch", "vs ONNX")
WIDTHS = (54, 10, 13, 9, 6, 9, 11, 8)
PEERS = ("numpy", "torch", "onnxruntime")


def header() -> str:
    return line(COLUMNS) + "\n" + "-" * (sum(WIDTHS) + len(WIDTHS) - 1)


def line(cells: Iterable[str]) -> str:
    first, *others = cells
    aligned = (cell.rjust(width) for cell, width in zip(others, WIDTHS[1:], strict=True))
    return " ".join([first.ljust(WIDTHS[0]), *aligned])


def duration(seconds: float) -> str:
    if seconds < 0:
        return "-" + duration(-seconds)
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def standing(row: Row) -> tuple[str, str, str]:
    """Rate, share of the limit and goal; of tiny calls what they cost over NumPy's."""
    if row.case.over_numpy:
        over = duration(row.over_numpy) if row.over_numpy is not None else "-"
        return "-", over, duration(row.case.over_numpy)
    unit = "GFLOP/s" if row.compute_bound else "GB/s"
    share, goal = row.share, row.case.goal
    return (
        f"{row.rate / 1e9:.3g} {unit}",
        f"{share:.0%}" if share else "-",
        f"{goal:.0%}" if goal else "-",
    )


def row_text(row: Row) -> str:
    if "tatami" not in row.seconds:
        return f"{row.case.name.ljust(WIDTHS[0])} FAILED: {row.problems.get('tatami')}"
    ratios = (row.ratio(peer) for peer in PEERS)
    compared = (f"{ratio:.2f}x" if ratio else "-" for ratio in ratios)
    return line((row.case.name, duration(row.seconds["tatami"]), *standing(row), *compared))


def means(rows: list[Row]) -> list[str]:
    """A line for each kernel with several cases: the geometric means of its ratios."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        operation = row.case.operation
        name = "bfloat16" if operation.family == "bfloat16" else operation.kernel
        if not row.case.over_numpy:
            groups.setdefault(name, []).append(row)
    lines = []
    for name, group in groups.items():
        cells = []
        for peer in PEERS:
            ratios = [row.ratio(peer) for row in group if row.ratio(peer)]
            cells.append(f"{geometric_mean(ratios):.2f}x" if ratios else "-")
        if len(group) > 1:
            lines.append(line((f"{name}, mean of {len(group)}", "", "", "", "", *cells)))
    return lines


def summary(rows: list[Row]) -> str:
    """Which goals were missed and what failed, one line each."""
    judged = [row for row in rows if row.reached is not None]
    missed = [row for row in judged if not row.reached]
    lines = [*means(rows), f"{len(judged) - len(missed)} of {len(judged)} goals reached"]
    for row in missed:
        _, share, goal = standing(row)
        lines.append(f"  below: {row.case.name}: {share}, goal {goal}")
    float32 = {row.case.operation: row.seconds.get("tatami") for row in rows}
    for row in rows:
        wide = float32.get(getattr(row.case.operation, "of", None))
        if wide and "tatami" in row.seconds:
            ratio = wide / row.seconds["tatami"]
            lines.append(f"  {row.case.name}: {ratio:.2f} times the speed of float32")
    for row in rows:
        lines += [f"  FAILED: {row.case.name}: {who}: {why}" for who, why in row.problems.items()]
    return "\n".join(lines)


def write_json(path: Path, about: dict, rows: list[Row]) -> None:
    """All times in seconds, rates in FLOP/s and bytes/s."""
    cases = [
        {
            "name": row.case.name,
            "family": row.case.operation.family,
            "flops": row.case.operation.flops,
            "bytes": row.bytes,
            "seconds": row.seconds,
            "spread": row.spread,
            "peak": row.peak,
            "bandwidth": row.bandwidth,
            "bound": "compute" if row.compute_bound else "memory",
            "share": row.share,
            "goal": row.case.goal,
            "reached": row.reached,
            "problems": row.problems,
        }
        for row in rows
    ]
    path.write_text(json.dumps({"about": about, "cases": cases}, indent=1) + "\n")
