"""Normalisations; `axes` are those whose mean and variance make one group of x."""

import numpy as np

from reference.activation import f64

__all__ = [
    "batch_norm",
    "batch_norm_grad",
    "group_norm",
    "group_norm_grad",
    "instance_norm",
    "instance_norm_grad",
    "layer_norm",
    "layer_norm_grad",
    "rms_norm",
    "rms_norm_grad",
]


class Cache:
    """What the backward pass needs; `fixed` statistics do not depend on x."""

    def __init__(self, z, inverse, weight, bias, axes, *, fixed=False, centred=True, slope=1.0):
        self.z, self.inverse, self.axes = z, inverse, axes
        self.weight, self.bias = weight, bias
        self.fixed, self.centred = fixed, centred
        self.slope = slope  # of the activation


def _affine(z, weight, bias, shape):
    """z times weight plus bias, both of which are laid out along `shape` of the output."""
    y = z if weight is None else z * f64(weight).reshape(shape)
    return y if bias is None else y + f64(bias).reshape(shape)


def _channels(x):
    return (1, -1) + (1,) * (x.ndim - 2)


def _statistics(x, axes):
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def _update(running, batch, momentum):
    if running is not None:
        running[...] = (1 - momentum) * f64(running) + momentum * batch


def _result(y, cache, return_cache):
    return (y, cache) if return_cache else y


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
    return_cache=False,
):
    x = f64(x)
    axes, shape = (0, *range(2, x.ndim)), _channels(x)
    if training:
        mean, var = _statistics(x, axes)
        count = x.size // x.shape[1]
        _update(running_mean, mean.reshape(-1), momentum)
        _update(running_var, var.reshape(-1) * count / max(count - 1, 1), momentum)
    else:
        mean, var = f64(running_mean).reshape(shape), f64(running_var).reshape(shape)
    inverse = 1 / np.sqrt(var + eps)
    z = (x - mean) * inverse
    y = _affine(z, weight, bias, shape)
    y = y if residual is None else y + f64(residual)
    below = {None: 1.0, "relu": 0.0, "leaky_relu": negative_slope}[activation]
    slope = np.where(y > 0, 1.0, below)
    kept = 1.0 if residual is not None else slope
    cache = Cache(z, inverse, weight, bias, axes, fixed=not training, slope=kept)
    return _result(np.where(slope == 0, 0.0, slope * y), cache, return_cache)


def _standardised_grad(grad_z, cache, axes):
    """Through z = (x - mean) inverse, where mean and inverse belong to the group `axes` of x."""
    if cache.fixed:
        return grad_z * cache.inverse
    slope = (grad_z * cache.z).mean(axis=axes, keepdims=True)
    level = grad_z.mean(axis=axes, keepdims=True) if cache.centred else 0.0
    return cache.inverse * (grad_z - level - cache.z * slope)


def _affine_grads(grad_y, z, cache, others, shape):
    """Gradients of z, weight and bias; the last two sum over the axes `others`."""
    weight, bias = cache.weight, cache.bias
    return (
        grad_y if weight is None else grad_y * f64(weight).reshape(shape),
        None if weight is None else (grad_y * z).sum(axis=others),
        None if bias is None else grad_y.sum(axis=others),
    )


def _channel_grads(grad_y, z, cache):
    """The same for a weight and a bias along axis 1."""
    others, shape = (0, *range(2, grad_y.ndim)), _channels(grad_y)
    return _affine_grads(grad_y, z, cache, others, shape)


def batch_norm_grad(grad_y, cache):
    grad_y = f64(grad_y) * cache.slope
    grad_z, grad_weight, grad_bias = _channel_grads(grad_y, cache.z, cache)
    return _standardised_grad(grad_z, cache, cache.axes), grad_weight, grad_bias


def instance_norm(
    x,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
    *,
    return_cache=False,
):
    x = f64(x)
    axes, shape = tuple(range(2, x.ndim)), _channels(x)
    if use_input_stats:
        mean, var = _statistics(x, axes)
        count = int(np.prod(x.shape[2:]))
        channels = (x.shape[0], x.shape[1])
        _update(running_mean, mean.reshape(channels).mean(0), momentum)
        unbiased = var.reshape(channels).mean(0) * count / max(count - 1, 1)
        _update(running_var, unbiased, momentum)
    else:
        mean, var = f64(running_mean).reshape(shape), f64(running_var).reshape(shape)
    inverse = 1 / np.sqrt(var + eps)
    z = (x - mean) * inverse
    cache = Cache(z, inverse, weight, bias, axes, fixed=not use_input_stats)
    return _result(_affine(z, weight, bias, shape), cache, return_cache)


def instance_norm_grad(grad_y, cache):
    return batch_norm_grad(grad_y, cache)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5, *, return_cache=False):
    x = f64(x)
    grouped = x.reshape(x.shape[0], num_groups, x.shape[1] // num_groups, *x.shape[2:])
    axes = tuple(range(2, grouped.ndim))
    mean, var = _statistics(grouped, axes)
    inverse = 1 / np.sqrt(var + eps)
    z = (grouped - mean) * inverse
    y = _affine(z.reshape(x.shape), weight, bias, _channels(x))
    return _result(y, Cache(z, inverse, weight, bias, axes), return_cache)


def group_norm_grad(grad_y, cache):
    grad_y = f64(grad_y)
    z = cache.z.reshape(grad_y.shape)
    grad_z, grad_weight, grad_bias = _channel_grads(grad_y, z, cache)
    grad_x = _standardised_grad(grad_z.reshape(cache.z.shape), cache, cache.axes)
    return grad_x.reshape(grad_y.shape), grad_weight, grad_bias


def _last_axes(normalized_shape):
    return tuple(range(-np.size(normalized_shape), 0))


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5, *, return_cache=False):
    x, axes = f64(x), _last_axes(normalized_shape)
    mean, var = _statistics(x, axes)
    inverse = 1 / np.sqrt(var + eps)
    z = (x - mean) * inverse
    y = _affine(z, weight, bias, normalized_shape)
    return _result(y, Cache(z, inverse, weight, bias, axes), return_cache)


def rms_norm(x, normalized_shape, weight=None, eps=1e-5, *, return_cache=False):
    x, axes = f64(x), _last_axes(normalized_shape)
    inverse = 1 / np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    y = _affine(x * inverse, weight, None, normalized_shape)
    return _result(y, Cache(x * inverse, inverse, weight, None, axes, centred=False), return_cache)


def layer_norm_grad(grad_y, cache):
    grad_y = f64(grad_y)
    rank = grad_y.ndim - len(cache.axes)
    grad_z, grad_weight, grad_bias = _affine_grads(
        grad_y, cache.z, cache, tuple(range(rank)), grad_y.shape[rank:]
    )
    return _standardised_grad(grad_z, cache, cache.axes), grad_weight, grad_bias


def rms_norm_grad(grad_y, cache):
    grad_x, grad_weight, _ = layer_norm_grad(grad_y, cache)
    return grad_x, grad_weight, None
