"""Points of a plane: their classes, and what a classifier makes of every place."""

import numpy as np

from . import style


def regions(predict, x, y, *, margin=0.4, title=None, xlabel="x₁", ylabel="x₂", ax=None, path=None):
    """The points ``x`` (N, 2) in the colours of their classes ``y`` (N,), and the decision.

    ``predict`` maps points (M, 2) to the probability of class 1 (M,): blue where it is class 0,
    orange where it is class 1, a line where it changes its mind. Returns the axes.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or x.shape[1] != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"regions: x must be (N, 2) and y (N,), got {x.shape} and {y.shape}")
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    across = [np.linspace(a, b, 300, dtype=x.dtype) for a, b in zip(low, high)]
    first, second = np.meshgrid(*across)
    value = np.reshape(predict(np.stack([first.ravel(), second.ravel()], axis=1)), first.shape)
    with style.axes(ax, path, (5.0, 4.0)) as ax:
        corners = (low[0], high[0], low[1], high[1])
        look = {"cmap": _map(), "alpha": 0.35, "aspect": "auto", "interpolation": "bilinear"}
        ax.imshow(value, origin="lower", extent=corners, vmin=0, vmax=1, **look)
        ax.contour(first, second, value, [0.5], colors=style.INK, linewidths=1.4)
        for label, colour, marker in ((0, style.BLUE, "o"), (1, style.ORANGE, "^")):
            look = {"color": colour, "mec": "white", "mew": 0.5, "ms": 5.5}
            ax.plot(*x[y == label].T, marker, label=f"class {label}", **look)
        ax.grid(False)
        style.frame(ax, title=title, xlabel=xlabel, ylabel=ylabel)
        ax.legend(frameon=True, framealpha=0.8)
    return ax


def scatter(x, y, *, title=None, xlabel=None, ylabel=None, ax=None, path=None):
    """The points ``x`` (N, 2) in colours by their labels ``y`` (N,), each label amid its points.

    Returns the axes.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or x.shape[1] != 2 or y.shape != x.shape[:1] or not len(y):
        raise ValueError(f"scatter: x must be (N, 2) and y (N,), got {x.shape} and {y.shape}")
    with style.axes(ax, path, (5.0, 4.4)) as ax:
        colours = style.matplotlib().colormaps["tab10"]
        for k, label in enumerate(np.unique(y)):
            its = x[y == label]
            colour = colours(k % 10)
            ax.plot(*its.T, "o", color=colour, ms=3, alpha=0.6, mew=0)
            around = {"boxstyle": "circle,pad=0.2", "fc": "white", "ec": colour, "alpha": 0.85}
            place = {"ha": "center", "va": "center", "bbox": around}
            ax.text(*np.median(its, axis=0), f"{label}", fontsize=9, **place)
        style.frame(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def _map():
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("classes", [style.BLUE, "white", style.ORANGE])
