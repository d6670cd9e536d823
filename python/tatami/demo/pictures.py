"""The demo's two pictures. A Figure of its own each: no display and no global state."""

import numpy as np

INK, BLUE, ORANGE = "#1a202c", "#2b6cb0", "#dd6b20"


def curves(path, histories):
    """Loss and accuracies by epoch: every network thin, their mean thick."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _lines(left, histories, "loss", BLUE, "training loss")
    left.set_yscale("log")
    for ticks in (left.yaxis.set_major_formatter, left.yaxis.set_minor_formatter):
        ticks(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else "")
    _lines(right, histories, "accuracy", BLUE, "training (shifted images, dropout)")
    _lines(right, histories, "test", ORANGE, "test")
    settled = slice(len(histories[0]["test"]) // 4, None)
    lowest = min(min(h[name][settled]) for h in histories for name in ("accuracy", "test"))
    right.set_ylim(lowest - 0.01, 1.002)
    right.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    for axes, title in ((left, "cross-entropy"), (right, "accuracy")):
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9)
    last = np.mean([history["test"][-1] for history in histories])
    count = f"{len(histories)} networks" if len(histories) > 1 else "one network"
    figure.suptitle(f"handwritten digits, {count}: test accuracy {last:.2%}", color=INK)
    figure.savefig(path, dpi=120)


def _lines(axes, histories, name, colour, label):
    values = np.array([history[name] for history in histories])
    epochs = np.arange(1, values.shape[1] + 1)
    axes.plot(epochs, values.T, color=colour, lw=0.8, alpha=0.35)
    axes.plot(epochs, values.mean(axis=0), color=colour, lw=2.2, label=label)


def confusion(path, targets, guesses):
    """Which digit is taken for which: counts over all networks, errors in colour."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    counts = np.zeros((10, 10), int)
    for guess in guesses:
        np.add.at(counts, (targets, guess), 1)
    errors = np.where(np.eye(10, dtype=bool), 0, counts)
    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    axes = figure.subplots()
    shown = np.ma.masked_equal(errors, 0)
    axes.imshow(shown, cmap="Oranges", norm=LogNorm(0.5, max(10, errors.max() * 2)))
    for row, column in np.argwhere(counts):
        right = row == column
        style = {"color": BLUE, "weight": "bold"} if right else {"color": INK}
        axes.text(column, row, counts[row, column], ha="center", va="center", **style)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xticks(np.arange(9) + 0.5, minor=True)
    axes.set_yticks(np.arange(9) + 0.5, minor=True)
    axes.grid(which="minor", color="#e2e8f0")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_color("#cbd5e0")
    axes.set_xlabel("taken for")
    axes.set_ylabel("digit")
    total, networks = errors.sum(), len(guesses)
    of = (
        f"{networks} networks x {len(targets)} images" if networks > 1 else f"{len(targets)} images"
    )
    axes.set_title(f"{total} errors in {of}", loc="left", fontsize=11)
    figure.savefig(path, dpi=120)
