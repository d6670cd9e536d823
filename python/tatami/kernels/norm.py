"""Normalisations: ``(x - mean) / sqrt(var + eps) * weight + bias``, ``var`` the biased variance.

``weight`` and ``bias`` may each be None. With ``return_cache=True`` the result is ``y, cache``; the
cache goes into the function's gradient, which gives ``grad_x, grad_weight, grad_bias``, None where
the forward call had none. It refers to ``x`` and ``weight`` without a copy, so leave them unchanged
until then.
"""

from .. import _core

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
    """Normalise each channel of ``x`` (N, C, ...) over all its other axes.

    ``weight``, ``bias``, ``running_mean`` and ``running_var`` are (C,). In training, mean and
    variance are those of ``x``, and the running ones, unless None, move towards them in place by
    ``momentum`` (towards the unbiased variance). Otherwise the running ones are used.
    ``residual``, of the shape of ``x``, is added to the result; then comes ``activation``: None,
    "relu" or "leaky_relu" with ``negative_slope``, which is not negative. The bits are those of
    the functions one by one. With a residual the cache knows of the normalisation alone: its
    ``grad_y`` is what the activation's gradient gives, which is the residual's gradient as well.
    Ioffe and Szegedy, arXiv 1502.03167.

    >>> batch_norm(numpy.array([[1.0], [3.0]]), None, None, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    how = (training, momentum, eps, residual, activation, negative_slope, return_cache)
    return _core.batch_norm(x, running_mean, running_var, weight, bias, *how)


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
    """Normalise each channel of each example of ``x`` (N, C, ...) over the axes after them.

    ``weight``, ``bias`` and the running statistics are (C,). With ``use_input_stats`` the running
    ones, unless None, move towards the means over the batch in place; without, they are used.
    Ulyanov et al., arXiv 1607.08022.
    """
    return _core.instance_norm(
        x, running_mean, running_var, weight, bias, use_input_stats, momentum, eps, return_cache
    )


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5, *, return_cache=False):
    """Normalise each example of ``x`` (N, C, ...) by ``num_groups`` groups of its channels.

    ``weight`` and ``bias`` are (C,). Wu and He, arXiv 1803.08494.
    """
    return _core.group_norm(x, num_groups, weight, bias, eps, return_cache)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5, *, return_cache=False):
    """Normalise ``x`` over its last axes, whose sizes are ``normalized_shape`` (an int for one).

    ``weight`` and ``bias`` have that shape. Ba et al., arXiv 1607.06450.

    >>> layer_norm(numpy.array([[1.0, 3.0]]), 2, eps=0.0)
    array([[-1.,  1.]])
    """
    return _core.layer_norm(x, normalized_shape, weight, bias, eps, return_cache)


def rms_norm(x, normalized_shape, weight=None, eps=1e-5, *, return_cache=False):
    """``x / sqrt(mean(x * x) + eps) * weight`` over the last axes, of sizes ``normalized_shape``.

    ``weight`` has that shape. Zhang and Sennrich, arXiv 1910.07467.
    """
    return _core.rms_norm(x, normalized_shape, weight, eps, return_cache)


def batch_norm_grad(grad_y, cache):
    """Gradients ``grad_x, grad_weight, grad_bias`` of :func:`batch_norm`; ``grad_y`` like ``x``."""
    return _core.batch_norm_grad(grad_y, cache)


def instance_norm_grad(grad_y, cache):
    """Gradients ``grad_x, grad_weight, grad_bias`` of :func:`instance_norm`."""
    return _core.instance_norm_grad(grad_y, cache)


def group_norm_grad(grad_y, cache):
    """Gradients ``grad_x, grad_weight, grad_bias`` of :func:`group_norm`."""
    return _core.group_norm_grad(grad_y, cache)


def layer_norm_grad(grad_y, cache):
    """Gradients ``grad_x, grad_weight, grad_bias`` of :func:`layer_norm`."""
    return _core.layer_norm_grad(grad_y, cache)


def rms_norm_grad(grad_y, cache):
    """Gradients ``grad_x, grad_weight, None`` of :func:`rms_norm`."""
    return _core.rms_norm_grad(grad_y, cache)
