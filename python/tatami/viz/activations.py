"""Activations and their derivatives."""

import numpy as np

from ..autograd import Tensor, grad
from . import style


def activation(f, name=None, *, span=(-4.0, 4.0), ax=None, path=None):
    """The function of a tensor ``f`` and its derivative over ``span``. Returns the axes.

    The title gives the derivative's largest absolute value: what a gradient is multiplied by, at
    most, on its way back through a layer.
    """
    x, y, slope = sampled(f, span)
    with style.axes(ax, path, (4.0, 3.0)) as ax:
        ax.axhline(0, color=style.GREY, lw=0.7)
        ax.axvline(0, color=style.GREY, lw=0.7)
        ax.plot(x, y, color=style.BLUE, label="f(x)")
        ax.plot(x, slope, color=style.ORANGE, ls="--", label="f'(x)")
        name = name or getattr(f, "__name__", "f")
        title = f"{name}: |f'| ≤ {np.abs(slope).max():.2f}"
        style.frame(ax, title=title, xlabel="x", ylabel="f(x), f'(x)")
    return ax


def sampled(f, span=(-4.0, 4.0), points=401):
    """``x``, ``f(x)`` and ``f'(x)`` as arrays (points,), the derivative by the tape."""
    x = Tensor(np.linspace(*span, points), requires_grad=True)
    y = f(x)
    return x.data, y.data, grad(y, x, np.ones_like(x.data)).data
