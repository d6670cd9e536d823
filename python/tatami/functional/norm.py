"""Normalization: fused kernels, and compositions where gradients are differentiated."""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from ..autograd.tensor import array_of
from .activation import leaky_relu, relu
from .arithmetic import sqrt
from .fused import Fused, recorded
from .shape import mean, reshape


def _standardised(x, axes, eps):
    centred = x - mean(x, axes, True)
    return centred / sqrt(mean(centred * centred, axes, True) + eps)


def _affine(y, weight, bias, shape):
    y = y if weight is None else y * reshape(weight, shape)
    return y if bias is None else y + reshape(bias, shape)


def _column(x, channels):
    """The shape of one number a channel."""
    return (1, channels, *(1,) * (x.ndim - 2))


def _by_channel(x, weight, bias, axes, own, running_mean, running_var, eps):
    """With the statistics of ``x`` over ``axes``, or with the running ones."""
    column = _column(x, x.shape[1])
    if own:
        return _affine(_standardised(x, axes, eps), weight, bias, column)
    deviation = np.sqrt(np.reshape(running_var, column) + eps)
    return _affine((x - np.reshape(running_mean, column)) / deviation, weight, bias, column)


def _composed_batch(x, weight, bias, residual=None, *, running_mean, running_var, training,
                    momentum, eps, activation, negative_slope, **_how):  # fmt: skip
    axes = (0, *range(2, x.ndim))
    y = _by_channel(x, weight, bias, axes, training, running_mean, running_var, eps)
    y = y if residual is None else y + residual
    if activation is None:
        return y
    return relu(y) if activation == "relu" else leaky_relu(y, negative_slope)


def _composed_instance(x, weight, bias, *, running_mean, running_var, use_input_stats,
                       momentum, eps):  # fmt: skip
    axes = tuple(range(2, x.ndim))
    return _by_channel(x, weight, bias, axes, use_input_stats, running_mean, running_var, eps)


def _composed_group(x, weight, bias, *, num_groups, eps):
    n, c = x.shape[:2]
    rows = reshape(x, (n * num_groups, x.size // max(n * num_groups, 1)))
    y = reshape(_standardised(rows, 1, eps), x.shape)
    return _affine(y, weight, bias, _column(x, c))


def _last_axes(x, normalized_shape):
    return tuple(range(x.ndim - np.size(normalized_shape), x.ndim))


def _composed_layer(x, weight, bias, *, normalized_shape, eps):
    axes = _last_axes(x, normalized_shape)
    return _affine(_standardised(x, axes, eps), weight, bias, [x.shape[a] for a in axes])


def _composed_rms(x, weight, *, normalized_shape, eps):
    y = x / sqrt(mean(x * x, _last_axes(x, normalized_shape), True) + eps)
    return y if weight is None else y * weight


def _named(kernel):
    """The kernel with its differentiable arguments first."""
    return lambda x, weight, bias, **how: kernel(x, weight=weight, bias=bias, **how)


def _joined_grads(g, y, *_args, activation, negative_slope, **_how):
    """Gradients where a residual was added: first through the activation, by its result."""
    result, cache = y
    if activation == "relu":
        g = K.relu_grad(g, result)
    elif activation == "leaky_relu":
        g = K.leaky_relu_grad(g, result, negative_slope)
    return *K.batch_norm_grad(g, cache), g


_batch_norm = Fused(_named(K.batch_norm), K.batch_norm_grad, _composed_batch, name="batch_norm")
_joined_batch_norm = Op(
    lambda x, weight, bias, residual, **how: K.batch_norm(
        x, weight=weight, bias=bias, residual=residual, **how
    ),
    joint=_joined_grads,
    composed=_composed_batch,
    name="batch_norm",
)
_instance_norm = Fused(
    _named(K.instance_norm), K.instance_norm_grad, _composed_instance, name="instance_norm"
)
_group_norm = Fused(_named(K.group_norm), K.group_norm_grad, _composed_group, name="group_norm")
_layer_norm = Fused(_named(K.layer_norm), K.layer_norm_grad, _composed_layer, name="layer_norm")
_rms_norm = Fused(
    lambda x, weight, **how: K.rms_norm(x, weight=weight, **how),
    K.rms_norm_grad,
    _composed_rms,
    name="rms_norm",
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
    *,
    residual=None,
    activation=None,
    negative_slope=0.01,
):
    """Zero mean and unit variance per channel; see :func:`tatami.kernels.batch_norm`.

    ``running_mean`` and ``running_var`` (arrays or tensors, or None when training) are updated in
    place when training and take no part in the derivative. ``residual`` is added to the result
    before ``activation``: None, "relu" or "leaky_relu".
    """
    how = {
        "running_mean": array_of(running_mean),
        "running_var": array_of(running_var),
        "training": training,
        "momentum": momentum,
        "eps": eps,
        "activation": activation,
        "negative_slope": negative_slope,
    }
    if residual is None:
        return _batch_norm(x, weight, bias, **how)
    if not recorded(x, weight, bias, residual):
        return _joined_batch_norm(x, weight, bias, residual, **how)
    return _joined_batch_norm(x, weight, bias, residual, **how, return_cache=True)[0]


def instance_norm(
    x,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Each channel of each example by itself; see :func:`tatami.kernels.instance_norm`.

    The running statistics are treated as :func:`batch_norm` does.
    """
    return _instance_norm(
        x,
        weight,
        bias,
        running_mean=array_of(running_mean),
        running_var=array_of(running_var),
        use_input_stats=use_input_stats,
        momentum=momentum,
        eps=eps,
    )


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    """Each group of channels of each example; see :func:`tatami.kernels.group_norm`."""
    return _group_norm(x, weight, bias, num_groups=num_groups, eps=eps)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Over the last axes, of sizes ``normalized_shape``; see :func:`tatami.kernels.layer_norm`."""
    return _layer_norm(x, weight, bias, normalized_shape=normalized_shape, eps=eps)


def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    """Divided by the root of the mean square; see :func:`tatami.kernels.rms_norm`."""
    return _rms_norm(x, weight, normalized_shape=normalized_shape, eps=eps)
