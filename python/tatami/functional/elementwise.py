"""Elementwise functions, and those that choose between elements."""

import numpy as np

from ..autograd import Op
from ..autograd.tensor import array_of
from .arithmetic import elementwise, neg

_expm1 = Op(np.expm1, lambda g, y, _x: g * (y + 1))
_log1p = Op(np.log1p, lambda g, _y, x: g / (x + 1))
_sin = Op(np.sin, lambda g, _y, x: g * cos(x))
_cos = Op(np.cos, lambda g, _y, x: neg(g * sin(x)))
_abs = Op(np.absolute, lambda g, _y, x: g * np.sign(array_of(x)), name="abs")
_sign = Op(np.sign, lambda g, _y, _x: g * 0)
_where = elementwise(
    np.where,
    lambda g, _y, condition, _a, _b: None,
    lambda g, _y, condition, _a, _b: where(condition, g, 0.0),
    lambda g, _y, condition, _a, _b: where(condition, 0.0, g),
    name="where",
)
_astype = Op(
    lambda x, dtype: x.astype(dtype),
    lambda g, _y, _x, dtype: astype(g, _x.dtype),
    name="astype",
)


def _chosen(ufunc, beats):
    """The elementwise larger or smaller; NaN in either reaches both, as in PyTorch."""

    def by_a(g, _y, a, b):
        a, b = array_of(a), array_of(b)
        return g * np.where(beats(b, a), 0.0, np.where(a == b, 0.5, 1.0)).astype(g.dtype)

    return elementwise(ufunc, by_a, lambda g, y, a, b: by_a(g, y, b, a))


_maximum = _chosen(np.maximum, np.greater)
_minimum = _chosen(np.minimum, np.less)


def _inside(x, low, high):
    """Where ``x`` was left as it is; both bounds count as inside."""
    above = True if low is None else x >= low
    return above & (x <= high) if high is not None else above


_clip = Op(
    np.clip,
    lambda g, _y, x, low, high: where(_inside(array_of(x), low, high), g, 0.0),
)


def expm1(x):
    """``exp(x) - 1``, exact for small ``x``."""
    return _expm1(x)


def log1p(x):
    """``log(1 + x)``, exact for small ``x``."""
    return _log1p(x)


def sin(x):
    """The sine, elementwise."""
    return _sin(x)


def cos(x):
    """The cosine, elementwise."""
    return _cos(x)


def abs(x):
    """The absolute value, elementwise; its derivative at 0 is taken as 0."""
    return _abs(x)


def sign(x):
    """-1, 0 or 1, elementwise; its derivative is 0 everywhere."""
    return _sign(x)


def maximum(a, b):
    """The larger of ``a`` and ``b``, elementwise; equal elements share the gradient evenly.

    NaN goes through, from either side.
    """
    return _maximum(a, b)


def minimum(a, b):
    """The smaller of ``a`` and ``b``, elementwise; equal elements share the gradient evenly.

    NaN goes through, from either side.
    """
    return _minimum(a, b)


def clip(x, min=None, max=None):
    """``x`` limited to [``min``, ``max``], two numbers or arrays of which one may be None.

    The gradient passes where ``min <= x <= max``, bounds included, as in PyTorch; the bounds
    themselves have none.
    """
    if min is None and max is None:
        raise ValueError("clip: give min, max or both")
    return _clip(x, array_of(min), array_of(max))


def where(condition, a, b):
    """``a`` where ``condition`` (an array or tensor of bool), ``b`` elsewhere; all broadcast.

    No gradient flows to the side that was not chosen, not even NaN.
    """
    return _where(array_of(condition), a, b)


def astype(x, dtype):
    """The elements as another dtype of floats; the gradient comes back in that of ``x``."""
    return x if x.dtype == dtype else _astype(x, dtype=dtype)
