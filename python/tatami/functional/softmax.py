"""Softmax and its logarithm."""

from .. import kernels as K
from ..autograd import Op
from .arithmetic import exp
from .shape import sum

_softmax = Op(K.softmax, lambda g, y, _x, axis: _softmax_grad(g, y, axis=axis))
_softmax_grad = Op(  # y * (g - sum(g y)): symmetric in g, quadratic in y
    K.softmax_grad,
    lambda gg, _r, _g, y, axis: _softmax_grad(gg, y, axis=axis),
    lambda gg, _r, g, y, axis: gg * (g - sum(g * y, axis, True)) - g * sum(gg * y, axis, True),
)
_log_softmax = Op(K.log_softmax, lambda g, y, _x, axis: _log_softmax_grad(g, y, axis=axis))
_log_softmax_grad = Op(  # g - exp(y) sum(g)
    K.log_softmax_grad,
    lambda gg, _r, _g, y, axis: gg - sum(gg * exp(y), axis, True),
    lambda gg, _r, g, y, axis: -gg * exp(y) * sum(g, axis, True),
)


def softmax(x, axis=-1):
    """exp(x) over its sum along ``axis``; see :func:`tatami.kernels.softmax`."""
    return _softmax(x, axis=axis)


def log_softmax(x, axis=-1):
    """The logarithm of :func:`softmax`; see :func:`tatami.kernels.log_softmax`."""
    return _log_softmax(x, axis=axis)
