"""Pooling. Scatter and gather are each other's derivatives, as are a mean and its adjoint.

In one dimension an image of one row is pooled.
"""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from .fused import recorded
from .shape import reshape


def _gather_raw(x, indices, **how):
    """``x`` at the places that a max pool chose."""
    n, c = indices.shape[:2]
    picked = np.take_along_axis(x.reshape(n, c, -1), indices.reshape(n, c, -1), axis=2)
    return picked.reshape(indices.shape)


def _max_family(forward, backward):
    """A max pool; its gradient, which scatters, is differentiated by gathering."""
    pool = Op(
        forward,
        lambda g, _y, _x, return_indices, **how: scatter(g, _y[1], input_shape=_x.shape, **how),
    )
    scatter = Op(
        backward,
        lambda gg, _y, _g, indices, input_shape, **how: gather(gg, indices, **how),
    )
    gather = Op(
        _gather_raw,
        lambda g, _y, _x, indices, **how: scatter(g, indices, input_shape=_x.shape, **how),
        name=f"{pool.name}_gather",
    )
    return pool


def _adaptive_max_grad(g, indices, input_shape, output_size):
    return K.adaptive_max_pool2d_grad(g, indices, input_shape)


_max_pool2d = _max_family(K.max_pool2d, K.max_pool2d_grad)
_adaptive_max_pool2d = _max_family(K.adaptive_max_pool2d, _adaptive_max_grad)
_avg_pool2d = Op(
    K.avg_pool2d,
    lambda g, _y, _x, **how: _avg_pool2d_grad(g, input_shape=_x.shape, **how),
)
_avg_pool2d_grad = Op(
    K.avg_pool2d_grad,
    lambda gg, _y, _g, input_shape, **how: _avg_pool2d(gg, **how),
)
_adaptive_avg_pool2d = Op(
    K.adaptive_avg_pool2d,
    lambda g, _y, _x, output_size: _adaptive_avg_pool2d_grad(g, input_shape=_x.shape),
)
_adaptive_avg_pool2d_grad = Op(
    K.adaptive_avg_pool2d_grad,
    lambda gg, _y, _g, input_shape: _adaptive_avg_pool2d(gg, output_size=_g.shape[2:]),
)


def _maxima(op, x, return_indices, **how):
    """The indices are found where they are asked for or where the gradient will need them."""
    if return_indices or recorded(x):
        y, indices = op(x, **how, return_indices=True)
        return (y, indices) if return_indices else y
    return op(x, **how, return_indices=False)


def max_pool2d(
    x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """The largest element of every window; see :func:`tatami.kernels.max_pool2d`."""
    return _maxima(
        _max_pool2d,
        x,
        return_indices,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


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


def adaptive_avg_pool2d(x, output_size):
    """Means over ``output_size`` windows; see :func:`tatami.kernels.adaptive_avg_pool2d`."""
    return _adaptive_avg_pool2d(x, output_size=output_size)


def adaptive_max_pool2d(x, output_size, return_indices=False):
    """Maxima over ``output_size`` windows; see :func:`tatami.kernels.adaptive_max_pool2d`."""
    return _maxima(_adaptive_max_pool2d, x, return_indices, output_size=output_size)


def max_pool1d(
    x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """:func:`max_pool2d` along the last axis of ``x`` (N, C, L)."""
    y = max_pool2d(
        _as_image("max_pool1d", x),
        (1, _single(kernel_size)),
        None if stride is None else (1, _single(stride)),
        _beside(padding),
        (1, _single(dilation)),
        ceil_mode,
        return_indices,
    )
    return tuple(_as_rows(part) for part in y) if return_indices else _as_rows(y)


def avg_pool1d(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    dilation=1,
):
    """:func:`avg_pool2d` along the last axis of ``x`` (N, C, L)."""
    y = avg_pool2d(
        _as_image("avg_pool1d", x),
        (1, _single(kernel_size)),
        None if stride is None else (1, _single(stride)),
        _beside(padding),
        ceil_mode,
        count_include_pad,
        (1, _single(dilation)),
    )
    return _as_rows(y)


def adaptive_avg_pool1d(x, output_size):
    """:func:`adaptive_avg_pool2d` along the last axis of ``x`` (N, C, L)."""
    image = _as_image("adaptive_avg_pool1d", x)
    return _as_rows(adaptive_avg_pool2d(image, (1, _single(output_size))))


def adaptive_max_pool1d(x, output_size, return_indices=False):
    """:func:`adaptive_max_pool2d` along the last axis of ``x`` (N, C, L)."""
    image = _as_image("adaptive_max_pool1d", x)
    y = adaptive_max_pool2d(image, (1, _single(output_size)), return_indices)
    return tuple(_as_rows(part) for part in y) if return_indices else _as_rows(y)


def _as_image(name, x):
    if x.ndim != 3:
        raise ValueError(f"{name}: x must have 3 axes (N, C, L), not shape {x.shape}")
    return reshape(x, (*x.shape[:2], 1, x.shape[2]))


def _as_rows(y):
    return reshape(y, (*y.shape[:2], y.shape[3]))


def _beside(padding):
    """The padding of an image of one row: "same" and "valid", (left, right) in a tuple, an int."""
    if isinstance(padding, (str, int)):
        return padding if isinstance(padding, str) else (0, padding)
    (sides,) = padding
    return (0, sides) if isinstance(sides, int) else ((0, 0), sides)


def _single(size):
    """An int, or the one element of a tuple, as PyTorch takes both."""
    return size if isinstance(size, int) else next(iter(size))
