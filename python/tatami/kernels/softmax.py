"""The softmax family. Gradients take the output ``y`` of their forward call."""

from .. import _core

__all__ = ["log_softmax", "log_softmax_grad", "softmax", "softmax_grad"]


def softmax(x, axis=-1, *, out=None):
    """``exp(x) / sum(exp(x))`` along ``axis``, never overflowing.

    A row with NaN or +inf, or of nothing but -inf, gives NaN, as in PyTorch.

    >>> softmax(numpy.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return _core.softmax(x, axis, out)


def log_softmax(x, axis=-1, *, out=None):
    """``x - log(sum(exp(x)))`` along ``axis``, precise where the probability is tiny."""
    return _core.log_softmax(x, axis, out)


def softmax_grad(grad_y, y, axis=-1):
    """Gradient of :func:`softmax` from its output: ``y * (grad_y - sum(grad_y * y))``."""
    return _core.softmax_grad(grad_y, y, axis)


def log_softmax_grad(grad_y, y, axis=-1):
    """Gradient of :func:`log_softmax` from its output: ``grad_y - exp(y) * sum(grad_y)``."""
    return _core.log_softmax_grad(grad_y, y, axis)
