"""How every picture looks: its colours, its sizes, and the frame around what is drawn."""

from contextlib import contextmanager
from itertools import count

# Okabe and Ito's colours, which colour-blind readers tell apart as well.
BLUE, ORANGE, GREEN, PINK, SKY, AMBER = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
)
INK, GREY, PALE = "#1f2933", "#7b8794", "#dde3e9"
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER, INK)
DASHES = ("-", "--", "-.", ":")

GROUND, PIXELS, SIGNED = "Greys", "gray", "RdBu_r"  # colour maps

SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.dpi": 110,
    "figure.titlesize": 11,
    "font.size": 9,
    "grid.color": PALE,
    "grid.linewidth": 0.7,
    "image.interpolation": "nearest",
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.dpi": 110,
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}


def matplotlib():
    """The library, loaded at the first picture."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "tatami[viz]"') from error
    return matplotlib


@contextmanager
def figure(path=None, size=(6.0, 4.0), *, own=False):
    """A new figure of ``size`` in inches, for the block to draw on.

    With a ``path`` it is written there at the end, and nothing is shown; without one it is
    pyplot's, which notebooks and ``pyplot.show()`` display, unless it is to be our ``own``.
    """
    with matplotlib().rc_context(SETTINGS):
        if path is None and not own:
            from matplotlib.pyplot import figure as new
        else:
            from matplotlib.figure import Figure as new
        made = new(figsize=size, layout="constrained")
        yield made
        if path is not None:
            made.savefig(path)


@contextmanager
def axes(ax=None, path=None, size=(6.0, 4.0)):
    """``ax`` itself, or the axes of a new :func:`figure`; written to ``path`` where given."""
    if ax is None:
        with figure(path, size) as made:
            yield made.subplots()
        return
    with matplotlib().rc_context(SETTINGS):
        yield ax
        if path is not None:
            ax.figure.savefig(path)


@contextmanager
def panels(columns, rows=1, *, title=None, size=(3.8, 3.4), path=None):
    """``with panels(3) as axes:`` gives as many axes, in reading order, on one new figure.

    ``size`` is one panel's, in inches. Written to ``path`` where given.
    """
    with figure(path, (size[0] * columns, size[1] * rows)) as made:
        if title is not None:
            made.suptitle(title)
        yield list(made.subplots(rows, columns, squeeze=False).flat)


def styles():
    """Colours with dash patterns, without end: lines are told apart by either."""
    for turn in count():
        colour, dash = turn % len(COLOURS), (turn // 2 + 2 * (turn // len(COLOURS))) % len(DASHES)
        yield {"color": COLOURS[colour], "linestyle": DASHES[dash]}


def frame(ax, *, title=None, xlabel=None, ylabel=None, legend=True, whole=False):
    """The words around a picture; ``whole`` keeps the horizontal ticks to whole numbers."""
    if title is not None:
        ax.set_title(title)
    if xlabel is not None:
        ax.set_xlabel(xlabel)
    if ylabel is not None:
        ax.set_ylabel(ylabel)
    if whole:
        ax.xaxis.get_major_locator().set_params(integer=True)
    if legend and ax.get_legend_handles_labels()[0]:
        ax.legend()


def bare(ax):
    """No ticks, no grid, no spines: for images."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    ax.spines[:].set_visible(False)
