"""Elementwise activations. Each gradient takes the input ``x`` of its forward call."""

from .. import _core

__all__ = [
    "elu",
    "elu_grad",
    "gelu",
    "gelu_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "prelu",
    "prelu_grad",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softplus",
    "softplus_grad",
    "tanh",
    "tanh_grad",
]


def relu(x, *, out=None):
    """max(x, 0), elementwise; NaN stays NaN.

    >>> relu(numpy.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return _core.relu(x, out)


def relu_grad(grad_y, x):
    """Gradient of :func:`relu`: 0 where ``x <= 0``, else ``grad_y``. Both of one shape."""
    return _core.relu_grad(grad_y, x)


def leaky_relu(x, negative_slope=0.01, *, out=None):
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return _core.leaky_relu(x, negative_slope, out)


def leaky_relu_grad(grad_y, x, negative_slope=0.01):
    """Gradient of :func:`leaky_relu`: ``grad_y``, times ``negative_slope`` where ``x <= 0``."""
    return _core.leaky_relu_grad(grad_y, x, negative_slope)


def prelu(x, weight, *, out=None):
    """``x`` where ``x > 0``, else ``weight * x`` (He et al., 2015).

    ``weight`` is (1,), or (C,) for one slope a channel, the axis 1 of ``x``.
    """
    return _core.prelu(x, weight, out)


def prelu_grad(grad_y, x, weight):
    """Gradients of :func:`prelu`: ``grad_x`` like ``x``, ``grad_weight`` like ``weight``.

    The sum for ``grad_weight`` has a tree that the shape alone fixes.
    """
    return _core.prelu_grad(grad_y, x, weight)


def elu(x, alpha=1.0, *, out=None):
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)`` (Clevert et al., 2015)."""
    return _core.elu(x, alpha, out)


def elu_grad(grad_y, x, alpha=1.0):
    """Gradient of :func:`elu`: ``grad_y`` where ``x > 0``, else ``alpha * exp(x) * grad_y``."""
    return _core.elu_grad(grad_y, x, alpha)


def gelu(x, *, out=None):
    """``x * Phi(x)``, Phi the normal distribution function (Hendrycks and Gimpel, 2016).

    The exact form, not the tanh approximation, and precise in the left tail too.
    """
    return _core.gelu(x, out)


def gelu_grad(grad_y, x):
    """Gradient of :func:`gelu`: ``grad_y * (Phi(x) + x * phi(x))``, phi the normal density."""
    return _core.gelu_grad(grad_y, x)


def silu(x, *, out=None):
    """``x * sigmoid(x)``, also called swish."""
    return _core.silu(x, out)


def silu_grad(grad_y, x):
    """Gradient of :func:`silu`: ``grad_y * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    return _core.silu_grad(grad_y, x)


def sigmoid(x, *, out=None):
    """``1 / (1 + exp(-x))``, precise where it is tiny.

    >>> sigmoid(numpy.array([0.0, numpy.inf]))
    array([0.5, 1. ])
    """
    return _core.sigmoid(x, out)


def sigmoid_grad(grad_y, x):
    """Gradient of :func:`sigmoid`: ``grad_y * s * (1 - s)`` with ``s = sigmoid(x)``."""
    return _core.sigmoid_grad(grad_y, x)


def tanh(x, *, out=None):
    """The hyperbolic tangent."""
    return _core.tanh(x, out)


def tanh_grad(grad_y, x):
    """Gradient of :func:`tanh`: ``grad_y * (1 - tanh(x)**2)``, without its cancellation."""
    return _core.tanh_grad(grad_y, x)


def softplus(x, *, out=None):
    """``log(1 + exp(x))``, never overflowing."""
    return _core.softplus(x, out)


def softplus_grad(grad_y, x):
    """Gradient of :func:`softplus`: ``grad_y * sigmoid(x)``."""
    return _core.softplus_grad(grad_y, x)
