"""Elementwise activations. Each gradient takes the input ``x`` of its forward call."""

from .. import _core


def relu(x, *, out=None):
    """max(x, 0), elementwise; NaN stays NaN.

    >>> relu(numpy.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return _core.relu(x, out)


def relu_grad(grad_y, x):
    """Gradient of :func:`relu`: ``grad_y`` where ``x > 0``, else 0. Both of one shape."""
    return _core.relu_grad(grad_y, x)


def leaky_relu(x, negative_slope=0.01, *, out=None):
    """``x`` where ``x > 0``, else ``negative_slope * x``."""
    return _core.leaky_relu(x, negative_slope, out)


def leaky_relu_grad(grad_y, x, negative_slope=0.01):
    """Gradient of :func:`leaky_relu`: ``grad_y`` where ``x > 0``, else ``negative_slope * grad_y``."""
    return _core.leaky_relu_grad(grad_y, x, negative_slope)
