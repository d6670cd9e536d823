"""Losses, with PyTorch's definitions of every reduction."""

import numpy as np

from reference.activation import f64, log_softmax, sigmoid, softmax, softplus

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


def _reduced(terms, reduction):
    return {"none": lambda t: t, "sum": np.sum, "mean": np.mean}[reduction](terms)


def _spread(grad_y, shape, reduction):
    """The gradient of every term before the reduction."""
    count = np.prod(shape) if reduction == "mean" else 1
    return np.broadcast_to(f64(grad_y) / count, shape)


def mse_loss(input, target, *, reduction="mean"):
    return _reduced((f64(input) - f64(target)) ** 2, reduction)


def mse_loss_grad(grad_y, input, target, *, reduction="mean"):
    d = f64(input) - f64(target)
    return 2 * d * _spread(grad_y, d.shape, reduction)


def l1_loss(input, target, *, reduction="mean"):
    return _reduced(np.abs(f64(input) - f64(target)), reduction)


def l1_loss_grad(grad_y, input, target, *, reduction="mean"):
    d = f64(input) - f64(target)
    return np.sign(d) * _spread(grad_y, d.shape, reduction)


def huber_loss(input, target, *, reduction="mean", delta=1.0):
    d = np.abs(f64(input) - f64(target))
    return _reduced(np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


def huber_loss_grad(grad_y, input, target, *, reduction="mean", delta=1.0):
    d = f64(input) - f64(target)
    return np.clip(d, -delta, delta) * _spread(grad_y, d.shape, reduction)


def _positive(target, pos_weight):
    """How much softplus(-x) counts: 1 + (pos_weight - 1) target."""
    return 1.0 if pos_weight is None else 1 + (f64(pos_weight) - 1) * target


def binary_cross_entropy_with_logits(
    logits, target, weight=None, *, reduction="mean", pos_weight=None
):
    x, t = f64(logits), f64(target)
    terms = (1 - t) * x + _positive(t, pos_weight) * softplus(-x)
    return _reduced(terms if weight is None else f64(weight) * terms, reduction)


def binary_cross_entropy_with_logits_grad(
    grad_y, logits, target, weight=None, *, reduction="mean", pos_weight=None
):
    x, t = f64(logits), f64(target)
    slope = (1 - t) - _positive(t, pos_weight) * sigmoid(-x)
    slope = slope if weight is None else f64(weight) * slope
    return slope * _spread(grad_y, x.shape, reduction)


def _class_terms(logits, target, weight, ignore_index, label_smoothing):
    """coefficients q of loss = -sum_c q[c] log p[c], and the divisor of a mean."""
    classes = logits.shape[1]
    column = (1, classes) + (1,) * (logits.ndim - 2)
    w = np.ones(column) if weight is None else f64(weight).reshape(column)
    target = np.asarray(target)
    if target.dtype.kind == "f":
        smooth = (1 - label_smoothing) * f64(target) + label_smoothing / classes
        return w * smooth, logits.size // classes
    valid = np.expand_dims(target != ignore_index, 1)
    one_hot = np.arange(classes).reshape(column) == np.expand_dims(target, 1)
    smooth = (1 - label_smoothing) * one_hot + label_smoothing / classes
    return w * smooth * valid, (w * one_hot * valid).sum()


def cross_entropy(
    logits, target, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    logits = f64(logits)
    q, divisor = _class_terms(logits, target, weight, ignore_index, label_smoothing)
    terms = -np.where(q == 0, 0.0, q * log_softmax(logits, axis=1)).sum(axis=1)
    return terms.sum() / divisor if reduction == "mean" else _reduced(terms, reduction)


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
    logits, grad_y = f64(logits), f64(grad_y)
    q, divisor = _class_terms(logits, target, weight, ignore_index, label_smoothing)
    slope = softmax(logits, axis=1) * q.sum(axis=1, keepdims=True) - q
    if reduction == "none":
        return slope * np.expand_dims(grad_y, 1)
    return slope * grad_y / (divisor if reduction == "mean" else 1)
