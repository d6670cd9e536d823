"""Which class is taken for which."""

import numpy as np

from . import style


def confusion_matrix(counts, labels=None, *, title=None, ax=None, path=None):
    """Counts (true class, predicted class): what is right in blue, the errors in colour.

    Made by :func:`tatami.metrics.confusion_matrix`. Returns the axes.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"confusion_matrix: counts must be square, got shape {counts.shape}")
    labels = range(len(counts)) if labels is None else labels
    errors = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    side = 1.5 + 0.46 * len(counts)
    with style.axes(ax, path, (side, side)) as ax:
        _colour(ax, errors)
        for row, column in np.argwhere(counts):
            look = {"color": style.BLUE, "weight": "bold"} if row == column else {}
            ax.text(column, row, counts[row, column], ha="center", va="center", **look)
        _ruled(ax, labels)
        title = title or f"{errors.sum():,} errors in {counts.sum():,}"
        style.frame(ax, title=title, xlabel="taken for", ylabel="is")
    return ax


def _colour(ax, errors):
    from matplotlib.colors import LogNorm

    shown = np.ma.masked_equal(errors, 0)
    ax.imshow(shown, cmap="Oranges", norm=LogNorm(0.5, max(10, errors.max() * 2)))


def _ruled(ax, labels):
    """Lines between the cells, labels beside them."""
    n = len(labels)
    ax.set_xticks(range(n), labels)
    ax.set_yticks(range(n), labels)
    between = np.arange(n - 1) + 0.5
    ax.set_xticks(between, minor=True)
    ax.set_yticks(between, minor=True)
    ax.grid(False)
    ax.grid(which="minor")
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(style.PALE)
