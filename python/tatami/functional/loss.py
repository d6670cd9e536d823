"""Losses: fused kernels, and compositions of them where gradients are differentiated."""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from ..autograd.tensor import array_of
from .shape import mean, sum
from .softmax import log_softmax


def _reduced(terms, reduction):
    return {"none": lambda t: t, "sum": sum, "mean": mean}[reduction](terms)


def _composed_mse(input, target, *, reduction):
    return _reduced((input - target) ** 2, reduction)


_mse_loss = Op(
    K.mse_loss,
    lambda g, y, input, target, reduction: K.mse_loss_grad(g, input, target, reduction=reduction),
    lambda g, y, input, target, reduction: K.mse_loss_grad(g, target, input, reduction=reduction),
    composed=_composed_mse,
)


def mse_loss(input, target, *, reduction="mean"):
    """Squared differences; see :func:`tatami.kernels.mse_loss`."""
    return _mse_loss(input, target, reduction=reduction)


def _class_shares(logits, target, weight, ignore_index, label_smoothing):
    """How much the logarithm of each class counts, and what a mean divides by."""
    classes = logits.shape[1]
    w = np.ones(classes, logits.dtype) if weight is None else weight
    column = np.reshape(w, (1, -1, *(1,) * (logits.ndim - 2)))
    if target.dtype.kind == "f":
        shares, count = target, target.size // classes
    else:
        counted = target != ignore_index
        index = np.where(counted, target, 0)
        shares = np.moveaxis(np.eye(classes, dtype=logits.dtype)[index], -1, 1)
        column = column * np.expand_dims(counted, 1)
        count = np.sum(w[index] * counted)
    return column * (shares * (1 - label_smoothing) + label_smoothing / classes), count


def _composed_cross_entropy(logits, target, weight, *, ignore_index, reduction, label_smoothing):
    target, weight = array_of(target), array_of(weight)
    shares, count = _class_shares(logits, target, weight, ignore_index, label_smoothing)
    terms = -sum(log_softmax(logits, 1) * shares.astype(logits.dtype), 1)
    return sum(terms) / float(count) if reduction == "mean" else _reduced(terms, reduction)


_cross_entropy = Op(
    K.cross_entropy,
    lambda g, y, logits, target, weight, **how: K.cross_entropy_grad(
        g, logits, target, weight, **how
    ),
    composed=_composed_cross_entropy,
)


def cross_entropy(
    logits, target, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """Softmax over axis 1, then the log-likelihood; see :func:`tatami.kernels.cross_entropy`."""
    return _cross_entropy(
        logits,
        target,
        weight,
        ignore_index=ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
