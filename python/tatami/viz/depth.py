"""How the values in a network are distributed, layer by layer."""

import numpy as np

from . import style


def distributions(layers, labels=None, *, span=None, bins=41, title=None, ax=None, path=None):
    """A histogram for each array of ``layers``, side by side from the first layer to the last.

    Each is drawn to both sides of its layer's place, with its standard deviation above. ``span``
    (low, high) limits the values shown; by default it holds 99% of all. Returns the axes.
    """
    layers = [np.asarray(values).ravel() for values in layers]
    if not layers:
        raise ValueError("distributions: there are no layers")
    if span is None:
        values = np.abs(np.concatenate(layers))
        values = values[np.isfinite(values)]  # a network that has diverged is worth a look
        reach = float(np.percentile(values, 99.5)) if values.any() else 1.0
        span = (-reach, reach)
    with style.axes(ax, path, (1.5 + 0.62 * len(layers), 3.0)) as ax:
        for place, values in enumerate(layers, 1):
            counts, edges = np.histogram(values, bins, span)
            fullest = np.partition(counts, -2)[-2]  # but one: ReLU's zeros are not to hide the rest
            width = 0.45 * np.minimum(counts / max(fullest, 1), 1)
            middles = (edges[1:] + edges[:-1]) / 2
            ax.fill_betweenx(middles, place - width, place + width, color=style.BLUE, lw=0)
            ax.annotate(_short(values.std()), (place, 1), **_ABOVE)
        ax.set_xticks(range(1, len(layers) + 1), labels)
        ax.set_ylim(span[0] * 1.05, span[1] * 1.05)
        ax.set_title(title, pad=16)
        style.frame(ax, xlabel="layer (above: standard deviation)", ylabel="activation")
    return ax


_ABOVE = {
    "xycoords": ("data", "axes fraction"),
    "ha": "center",
    "va": "bottom",
    "fontsize": 7,
    "color": style.GREY,
}


def _short(value):
    return f"{value:.2f}" if value >= 0.01 else f"{value:.0e}".replace("e-0", "e-")
