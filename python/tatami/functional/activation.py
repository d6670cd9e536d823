"""Elementwise activations. Each gradient is an operation with a derivative of its own."""

import math

import numpy as np

from .. import kernels as K
from .. import random
from ..autograd import Op
from ..autograd.tensor import array_of
from .arithmetic import exp
from .elementwise import where
from .shape import reshape

_relu = Op(K.relu, lambda g, y, _x: _relu_grad(g, y))  # y is positive where x is
_relu_grad = Op(K.relu_grad, lambda gg, _y, _g, x: _relu_grad(gg, x), lambda gg, _y, _g, _x: None)

_leaky_relu = Op(K.leaky_relu, lambda g, _y, x, **slope: _leaky_relu_grad(g, x, **slope))
_leaky_relu_grad = Op(
    K.leaky_relu_grad,
    lambda gg, _y, _g, x, **slope: _leaky_relu_grad(gg, x, **slope),
    lambda gg, _y, _g, _x, **slope: None,
)

# The curved ones: by grad_y the gradient itself again, by x a composition.
_sigmoid = Op(K.sigmoid, lambda g, _y, x: _sigmoid_grad(g, x))
_sigmoid_grad = Op(
    K.sigmoid_grad,
    lambda gg, _y, _g, x: _sigmoid_grad(gg, x),
    lambda gg, _y, g, x: (1 - 2 * sigmoid(x)) * _sigmoid_grad(gg * g, x),
)
_tanh = Op(K.tanh, lambda g, _y, x: _tanh_grad(g, x))
_tanh_grad = Op(
    K.tanh_grad,
    lambda gg, _y, _g, x: _tanh_grad(gg, x),
    lambda gg, _y, g, x: -2 * tanh(x) * _tanh_grad(gg * g, x),
)
_gelu = Op(K.gelu, lambda g, _y, x: _gelu_grad(g, x))
_gelu_grad = Op(
    K.gelu_grad,
    lambda gg, _y, _g, x: _gelu_grad(gg, x),
    lambda gg, _y, g, x: gg * g * (2 - x * x) * exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
)
_silu = Op(K.silu, lambda g, _y, x: _silu_grad(g, x))
_silu_grad = Op(
    K.silu_grad,
    lambda gg, _y, _g, x: _silu_grad(gg, x),
    lambda gg, _y, g, x: (2 + x * (1 - 2 * sigmoid(x))) * _sigmoid_grad(gg * g, x),
)
_softplus = Op(K.softplus, lambda g, _y, x: _softplus_grad(g, x))
_softplus_grad = Op(
    K.softplus_grad,
    lambda gg, _y, _g, x: _softplus_grad(gg, x),
    lambda gg, _y, g, x: _sigmoid_grad(gg * g, x),
)
_elu = Op(K.elu, lambda g, _y, x, alpha: _elu_grad(g, x, alpha=alpha))
_elu_grad = Op(
    K.elu_grad,
    lambda gg, _y, _g, x, alpha: _elu_grad(gg, x, alpha=alpha),
    lambda gg, _y, g, x, alpha: _elu_grad(gg * g, x, alpha=alpha) * (array_of(x) <= 0),
)


def _composed_prelu(x, weight):
    shape = (1, -1, *(1,) * (x.ndim - 2)) if weight.size > 1 else (1,) * x.ndim
    return where(array_of(x) > 0, x, x * reshape(weight, shape))


_prelu = Op(
    K.prelu,
    joint=lambda g, _y, x, weight: K.prelu_grad(g, x, weight),
    composed=_composed_prelu,
)


def relu(x):
    """max(x, 0), elementwise; see :func:`tatami.kernels.relu`."""
    return _relu(x)


def leaky_relu(x, negative_slope=0.01):
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return _leaky_relu(x, negative_slope=negative_slope)


def sigmoid(x):
    """1 / (1 + exp(-x)), elementwise; see :func:`tatami.kernels.sigmoid`."""
    return _sigmoid(x)


def tanh(x):
    """The hyperbolic tangent, elementwise; see :func:`tatami.kernels.tanh`."""
    return _tanh(x)


def gelu(x):
    """``x`` times the normal distribution function; see :func:`tatami.kernels.gelu`."""
    return _gelu(x)


def silu(x):
    """``x * sigmoid(x)``; see :func:`tatami.kernels.silu`."""
    return _silu(x)


def softplus(x):
    """log(1 + exp(x)), elementwise; see :func:`tatami.kernels.softplus`."""
    return _softplus(x)


def elu(x, alpha=1.0):
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``."""
    return _elu(x, alpha=alpha)


def prelu(x, weight):
    """``x`` where ``x > 0``, else ``weight * x``; see :func:`tatami.kernels.prelu`."""
    return _prelu(x, weight)


def rrelu(x, lower=1 / 8, upper=1 / 3, training=False):
    """:func:`leaky_relu` with slopes drawn evenly from [``lower``, ``upper``] (Xu et al., 2015).

    In training every element has its own, from the generator that :func:`tatami.manual_seed`
    sets; otherwise all have the middle of the range.
    """
    if not lower <= upper:
        raise ValueError(f"rrelu: lower {lower} must not be greater than upper {upper}")
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    slopes = random.generator().random(x.shape, dtype=x.dtype) * (upper - lower) + lower
    return x * np.where(array_of(x) > 0, 1, slopes).astype(x.dtype)


_by_name = {f.__name__: f for f in (relu, leaky_relu, sigmoid, tanh, gelu, silu)}


def activated(y, name):
    """``y`` through the activation of that name, or as it is for None."""
    if name is None:
        return y
    if name not in _by_name:
        raise ValueError(f"activation must be None or one of {', '.join(_by_name)}, not {name!r}")
    return _by_name[name](y)
