"""Elementwise activations. Each gradient is an operation with a derivative of its own."""

import math

from .. import kernels as K
from ..autograd import Op
from .arithmetic import exp

_relu = Op(K.relu, lambda g, y, x: _relu_grad(g, x))
_relu_grad = Op(K.relu_grad, lambda gg, y, g, x: _relu_grad(gg, x), lambda gg, y, g, x: None)

_leaky_relu = Op(K.leaky_relu, lambda g, y, x, **slope: _leaky_relu_grad(g, x, **slope))
_leaky_relu_grad = Op(
    K.leaky_relu_grad,
    lambda gg, y, g, x, **slope: _leaky_relu_grad(gg, x, **slope),
    lambda gg, y, g, x, **slope: None,
)

# The curved ones: by grad_y the gradient itself again, by x a composition.
_sigmoid = Op(K.sigmoid, lambda g, y, x: _sigmoid_grad(g, x))
_sigmoid_grad = Op(
    K.sigmoid_grad,
    lambda gg, r, g, x: _sigmoid_grad(gg, x),
    lambda gg, r, g, x: (1 - 2 * sigmoid(x)) * _sigmoid_grad(gg * g, x),
)
_tanh = Op(K.tanh, lambda g, y, x: _tanh_grad(g, x))
_tanh_grad = Op(
    K.tanh_grad,
    lambda gg, r, g, x: _tanh_grad(gg, x),
    lambda gg, r, g, x: -2 * tanh(x) * _tanh_grad(gg * g, x),
)
_gelu = Op(K.gelu, lambda g, y, x: _gelu_grad(g, x))
_gelu_grad = Op(
    K.gelu_grad,
    lambda gg, r, g, x: _gelu_grad(gg, x),
    lambda gg, r, g, x: gg * g * (2 - x * x) * exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
)
_silu = Op(K.silu, lambda g, y, x: _silu_grad(g, x))
_silu_grad = Op(
    K.silu_grad,
    lambda gg, r, g, x: _silu_grad(gg, x),
    lambda gg, r, g, x: (2 + x * (1 - 2 * sigmoid(x))) * _sigmoid_grad(gg * g, x),
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


_by_name = {f.__name__: f for f in (relu, leaky_relu, sigmoid, tanh, gelu, silu)}


def activated(y, name):
    """``y`` through the activation of that name, or as it is for None."""
    if name is None:
        return y
    if name not in _by_name:
        raise ValueError(f"activation must be None or one of {', '.join(_by_name)}, not {name!r}")
    return _by_name[name](y)
