"""Upsampling. It and its adjoint are each other's derivatives."""

from .. import kernels as K
from ..autograd import Op

_upsample2d = Op(
    K.upsample2d,
    lambda g, _y, _x, **how: _upsample2d_grad(g, input_shape=_x.shape, **how),
)
_upsample2d_grad = Op(
    K.upsample2d_grad,
    lambda gg, _y, _g, input_shape, **how: _upsample2d(gg, **how),
)


def upsample2d(x, scale, mode="nearest"):
    """``x`` larger by whole factors; see :func:`tatami.kernels.upsample2d`."""
    return _upsample2d(x, scale=scale, mode=mode)
