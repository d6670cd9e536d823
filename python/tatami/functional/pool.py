"""Pooling. Scatter and gather are each other's derivatives, as are a mean and its adjoint."""

import numpy as np

from .. import kernels as K
from ..autograd import Op


def _max_pool_raw(x, **how):
    return K.max_pool2d(x, **how, return_indices=True)


def _gather_raw(x, indices, **how):
    """``x`` at the places that a max pool chose."""
    n, c = indices.shape[:2]
    picked = np.take_along_axis(x.reshape(n, c, -1), indices.reshape(n, c, -1), axis=2)
    return picked.reshape(indices.shape)


_max_pool2d = Op(
    _max_pool_raw,
    lambda g, y, x, **how: _max_pool2d_grad(g, y[1], input_shape=x.shape, **how),
    name="max_pool2d",
)
_max_pool2d_grad = Op(
    K.max_pool2d_grad,
    lambda gg, y, g, indices, input_shape, **how: _gather(gg, indices, **how),
)
_gather = Op(
    _gather_raw,
    lambda g, y, x, indices, **how: _max_pool2d_grad(g, indices, input_shape=x.shape, **how),
    name="max_pool2d_gather",
)
_avg_pool2d = Op(
    K.avg_pool2d,
    lambda g, y, x, **how: _avg_pool2d_grad(g, input_shape=x.shape, **how),
)
_avg_pool2d_grad = Op(
    K.avg_pool2d_grad,
    lambda gg, y, g, input_shape, **how: _avg_pool2d(gg, **how),
)


def max_pool2d(
    x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """The largest element of every window; see :func:`tatami.kernels.max_pool2d`."""
    y, indices = _max_pool2d(
        x,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )
    return (y, indices) if return_indices else y


def avg_pool2d(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    dilation=1,
):
    """The mean of every window; see :func:`tatami.kernels.avg_pool2d`."""
    return _avg_pool2d(
        x,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        dilation=dilation,
    )
