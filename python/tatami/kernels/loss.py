"""Losses, with PyTorch's definitions. ``reduction`` is "mean", "sum" or "none".

A mean or a sum is an array of no axes; the mean of nothing is NaN, its sum 0. Gradients take
``grad_y`` first: a number (or an array of no axes), or for "none" an array of the loss's shape.
Sums have a tree that the shape alone fixes: the same bits for any number of threads.
"""

from .. import _core

__all__ = [
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "huber_loss",
    "huber_loss_grad",
    "l1_loss",
    "l1_loss_grad",
    "mse_loss",
    "mse_loss_grad",
]


def cross_entropy(
    logits, target, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """``-sum_c q_c log_softmax(logits)_c`` at every position, classes on axis 1.

    ``logits`` (N, C) or (N, C, d1, ...). ``target``: class indices (N, d1, ...) of any integer
    dtype, those equal to ``ignore_index`` left out, or probabilities of the logits' shape and
    dtype. ``weight`` (C,) multiplies each class's term. ``label_smoothing`` s mixes the target
    with the even distribution: ``q = weight * ((1 - s) * target + s / C)``. A class with q = 0
    adds nothing, whatever its logit.

    The mean divides by the sum of the targets' weights for indices, by the number of positions
    for probabilities. An index out of range raises ``ValueError``.

    >>> cross_entropy(numpy.array([[0.0, 0.0]]), numpy.array([1]))
    array(0.69314718)
    """
    return _core.cross_entropy(logits, target, weight, ignore_index, reduction, label_smoothing)


def cross_entropy_grad(
    grad_y,
    logits,
    target,
    weight=None,
    *,
    ignore_index=-100,
    reduction="mean",
    label_smoothing=0.0,
):
    """Gradient of :func:`cross_entropy` for the logits; ``grad_y`` (N, d1, ...) for "none"."""
    return _core.cross_entropy_grad(
        grad_y, logits, target, weight, ignore_index, reduction, label_smoothing
    )


def binary_cross_entropy_with_logits(
    logits, target, weight=None, *, reduction="mean", pos_weight=None
):
    """``weight * ((1 - target) * x + (1 + (pos_weight - 1) * target) * log(1 + exp(-x)))``.

    ``target`` and ``weight`` have the shape of the logits ``x``; ``pos_weight`` is a number or an
    array (C,) along the last axis.
    """
    return _core.binary_cross_entropy_with_logits(logits, target, weight, reduction, pos_weight)


def binary_cross_entropy_with_logits_grad(
    grad_y, logits, target, weight=None, *, reduction="mean", pos_weight=None
):
    """Gradient of :func:`binary_cross_entropy_with_logits` for the logits."""
    return _core.binary_cross_entropy_with_logits_grad(
        grad_y, logits, target, weight, reduction, pos_weight
    )


def mse_loss(input, target, *, reduction="mean"):
    """``(input - target)**2``, of two arrays of one shape."""
    return _core.mse_loss(input, target, reduction)


def mse_loss_grad(grad_y, input, target, *, reduction="mean"):
    """Gradient of :func:`mse_loss` for ``input``: ``2 * (input - target)``, times ``grad_y``."""
    return _core.mse_loss_grad(grad_y, input, target, reduction)


def l1_loss(input, target, *, reduction="mean"):
    """``abs(input - target)``, of two arrays of one shape."""
    return _core.l1_loss(input, target, reduction)


def l1_loss_grad(grad_y, input, target, *, reduction="mean"):
    """Gradient of :func:`l1_loss` for ``input``: the difference's sign, times ``grad_y``."""
    return _core.l1_loss_grad(grad_y, input, target, reduction)


def huber_loss(input, target, *, reduction="mean", delta=1.0):
    """``d**2 / 2`` where ``d = abs(input - target) <= delta``, else ``delta * (d - delta / 2)``.

    Huber, 1964. ``delta`` is positive.
    """
    return _core.huber_loss(input, target, reduction, delta)


def huber_loss_grad(grad_y, input, target, *, reduction="mean", delta=1.0):
    """Gradient of :func:`huber_loss` for ``input``: the difference clipped to +-``delta``."""
    return _core.huber_loss_grad(grad_y, input, target, reduction, delta)
