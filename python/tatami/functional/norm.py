"""Normalization: fused kernels, and compositions where gradients are differentiated."""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from ..autograd.tensor import array_of
from .arithmetic import sqrt
from .shape import mean, reshape


def _raw(x, weight, bias, *, running_mean, running_var, **settings):
    return K.batch_norm(x, running_mean, running_var, weight, bias, **settings, return_cache=True)


def _composed(x, weight, bias, *, running_mean, running_var, training, momentum, eps):
    axes = (0, *range(2, x.ndim))
    column = (1, -1, *(1,) * (x.ndim - 2))
    if training:
        centred = x - mean(x, axes, True)
        variance = mean(centred * centred, axes, True)
    else:
        centred = x - np.reshape(running_mean, column)
        variance = np.reshape(running_var, column)
    y = centred / sqrt(variance + eps)
    y = y if weight is None else y * reshape(weight, column)
    return y if bias is None else y + reshape(bias, column)


_batch_norm = Op(
    _raw,
    name="batch_norm",
    joint=lambda g, y, x, weight, bias, **settings: K.batch_norm_grad(g, y[1]),
    composed=_composed,
)


def batch_norm(
    x,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training=False,
    momentum=0.1,
    eps=1e-5,
):
    """Zero mean and unit variance per channel; see :func:`tatami.kernels.batch_norm`.

    ``running_mean`` and ``running_var`` (arrays or tensors, or None when training) are updated in
    place when training and take no part in the derivative.
    """
    return _batch_norm(
        x,
        weight,
        bias,
        running_mean=array_of(running_mean),
        running_var=array_of(running_var),
        training=training,
        momentum=momentum,
        eps=eps,
    )[0]
