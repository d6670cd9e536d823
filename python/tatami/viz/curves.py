"""Numbers that change while a network learns, and lines in general."""

import numpy as np

from . import style


def history(histories, names=None, *, title=None, path=None):
    """One panel for each measure: training and validation by epoch.

    ``histories`` is what ``fit`` returns, its ``history`` dict, or a list of either: then every
    run is drawn thin and their mean thick. ``names`` chooses the measures, all by default.
    Returns the figure.
    """
    histories = _dicts(histories)
    if names is None:
        names = [n for n in histories[0] if not n.startswith("val_")]
    with style.figure(path, (1.2 + 3.8 * len(names), 3.6)) as figure:
        for ax, name in zip(np.ravel(figure.subplots(1, len(names), squeeze=False)), names):
            curve(histories, name, ax=ax)
        if title is not None:
            figure.suptitle(title)
    return figure


def curve(
    histories,
    name="loss",
    *,
    labels=("training", "validation"),
    log=False,
    ax=None,
    path=None,
):
    """One measure by epoch, with ``val_<name>`` beside it where there is one. Returns the axes."""
    histories = _dicts(histories)
    colours = style.BLUE, style.ORANGE
    with style.axes(ax, path) as ax:
        for key, label, colour in zip((name, f"val_{name}"), labels, colours, strict=True):
            if key in histories[0]:
                _runs(ax, [h[key] for h in histories], colour, label)
        if log:
            _logarithmic(ax, "y")
        style.frame(ax, xlabel="epoch", ylabel=name.replace("_", " "), whole=True)
    return ax


def _dicts(histories):
    if isinstance(histories, dict) or hasattr(histories, "history"):
        histories = [histories]
    return [h if isinstance(h, dict) else h.history for h in histories]


def _runs(ax, runs, colour, label):
    """Runs that ended early leave the mean of the others."""
    values = np.full((len(runs), max(map(len, runs))), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[: len(run)] = run
    epochs = np.arange(1, values.shape[1] + 1)
    marker = "o" if len(epochs) == 1 else None
    if len(runs) > 1:
        ax.plot(epochs, values.T, color=colour, lw=0.8, alpha=0.35)
    mean = np.ma.masked_array(values, np.isnan(values)).mean(axis=0)
    ax.plot(epochs, mean, color=colour, lw=2, label=label, marker=marker)


def lines(
    x, series, *, title=None, xlabel=None, ylabel=None, points=None, log="", ax=None, path=None
):
    """Several lines over the same ``x`` (N,): ``series`` maps labels to values (N,).

    ``points`` (x, y) are drawn as dots; ``log`` names the logarithmic axes: "x", "y" or "xy".
    Returns the axes.
    """
    with style.axes(ax, path) as ax:
        if points is not None:
            ax.plot(*points, "o", color=style.INK, ms=4.5, alpha=0.8, zorder=3)
        few = points is None and len(x) < 12
        for (label, values), look in zip(series.items(), style.styles()):
            ax.plot(x, values, label=label, marker="o" if few else None, ms=4, **look)
        _logarithmic(ax, log, x if few else None)
        style.frame(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def bars(labels, values, *, title=None, xlabel=None, ylabel=None, ax=None, path=None):
    """A bar from 0 for each of ``values`` (N,), or groups of them: name -> values (N,).

    Returns the axes.
    """
    groups = values if isinstance(values, dict) else {None: values}
    width = 0.75 / len(groups)
    with style.axes(ax, path) as ax:
        places = np.arange(len(labels))
        for k, ((name, heights), colour) in enumerate(zip(groups.items(), style.COLOURS)):
            middle = places + (k - (len(groups) - 1) / 2) * width
            ax.bar(middle, heights, color=colour, width=width, label=name)
        ax.set_xticks(places, labels)
        ax.grid(axis="x", visible=False)
        style.frame(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def _logarithmic(ax, log, ticks=None):
    """Scales with plain numbers beside them; few values have a tick each."""
    for axis in log:
        getattr(ax, f"set_{axis}scale")("log")
        for set_formatter in ("set_major_formatter", "set_minor_formatter"):
            getattr(getattr(ax, f"{axis}axis"), set_formatter)(_plain)
    if "x" in log and ticks is not None:
        ax.set_xticks(ticks, [f"{value:g}" for value in ticks])
        ax.set_xticks([], minor=True)


def _plain(value, _):
    """1, 2 and 5 times powers of ten have room for a label."""
    return f"{value:g}" if f"{value:e}"[0] in "125" else ""
