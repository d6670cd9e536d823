"""Losses: fused kernels, and compositions of them where gradients are differentiated.

``reduction`` is "mean", "sum" or "none".
"""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from ..autograd.tensor import array_of
from .activation import relu, softplus
from .arithmetic import div, exp, log
from .elementwise import abs, clip, where
from .indexing import gather
from .shape import reshape, sum
from .softmax import log_softmax

_reductions = {
    "mean": lambda terms: div(sum(terms), float(terms.size)),
    "sum": sum,
    "none": lambda terms: terms,
}


def reduced(name, terms, reduction):
    """The mean of ``terms``, their sum, or themselves."""
    if reduction not in _reductions:
        raise ValueError(
            f"{name}: reduction must be one of {', '.join(_reductions)}, not {reduction!r}"
        )
    return _reductions[reduction](terms)


def as_target(name, input, target):
    """The target as the input's dtype, of the same shape."""
    if input.shape != target.shape:
        raise ValueError(f"{name}: input {input.shape} and target {target.shape} must match")
    if target.dtype.kind == "f":
        return target
    return array_of(target).astype(input.dtype)


# Losses of a difference: by the target they have the gradient by the input with arguments swapped.
def _symmetric(forward, backward, composed):
    return Op(
        forward,
        lambda g, _y, input, target, **how: backward(g, input, target, **how),
        lambda g, _y, input, target, **how: backward(g, target, input, **how),
        composed=composed,
    )


def _composed_mse(input, target, *, reduction):
    return reduced("mse_loss", (input - target) ** 2, reduction)


def _composed_l1(input, target, *, reduction):
    return reduced("l1_loss", abs(input - target), reduction)


def _composed_huber(input, target, *, reduction, delta):
    d = input - target
    clipped = clip(d, -delta, delta)
    return reduced("huber_loss", clipped * (d - 0.5 * clipped), reduction)


_mse_loss = _symmetric(K.mse_loss, K.mse_loss_grad, _composed_mse)
_l1_loss = _symmetric(K.l1_loss, K.l1_loss_grad, _composed_l1)
_huber_loss = _symmetric(K.huber_loss, K.huber_loss_grad, _composed_huber)


def mse_loss(input, target, *, reduction="mean"):
    """Squared differences; see :func:`tatami.kernels.mse_loss`."""
    return _mse_loss(input, target, reduction=reduction)


def l1_loss(input, target, *, reduction="mean"):
    """Absolute differences; see :func:`tatami.kernels.l1_loss`."""
    return _l1_loss(input, target, reduction=reduction)


def huber_loss(input, target, *, reduction="mean", delta=1.0):
    """Squares up to ``delta``, lines from there on; see :func:`tatami.kernels.huber_loss`."""
    return _huber_loss(input, target, reduction=reduction, delta=delta)


def _column(weight, logits):
    """Class weights along axis 1; ones for None."""
    w = np.ones(logits.shape[1], logits.dtype, like=array_of(logits)) if weight is None else weight
    return np.reshape(w, (1, -1, *(1,) * (logits.ndim - 2)))


def _class_shares(logits, target, weight, ignore_index, label_smoothing):
    """How much the logarithm of each class counts, and what a mean divides by."""
    classes = logits.shape[1]
    column = _column(weight, logits)
    if target.dtype.kind == "f":
        shares, count = target, target.size / classes
    else:
        counted = target != ignore_index
        index = np.where(counted, target, 0)
        own = np.eye(classes, dtype=logits.dtype, like=array_of(logits))
        shares = np.moveaxis(own[index], -1, 1)
        count = float(np.sum(column.reshape(-1)[index] * counted))
        column = column * np.expand_dims(counted, 1)
    return (shares * (1 - label_smoothing) + label_smoothing / classes) * column, count


def _composed_cross_entropy(logits, target, weight, *, ignore_index, reduction, label_smoothing):
    target = target if target.dtype.kind == "f" else array_of(target)
    shares, count = _class_shares(logits, target, array_of(weight), ignore_index, label_smoothing)
    terms = -sum(log_softmax(logits, 1) * shares, 1)
    return sum(terms) / count if reduction == "mean" else _reductions[reduction](terms)


def _cross_entropy_by_target(
    g, _y, logits, target, weight, *, ignore_index, reduction, label_smoothing
):
    if target.dtype.kind != "f":
        return None
    slopes = log_softmax(logits, 1) * (_column(weight, logits) * (label_smoothing - 1))
    g = g / (target.size / logits.shape[1]) if reduction == "mean" else g
    return slopes * (np.expand_dims(g, 1) if reduction == "none" else g)


_cross_entropy = Op(
    K.cross_entropy,
    lambda g, _y, logits, target, weight, **how: K.cross_entropy_grad(
        g, logits, target, weight, **how
    ),
    _cross_entropy_by_target,
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


def _composed_bce_logits(logits, target, weight, *, reduction, pos_weight):
    positive = target if pos_weight is None else target * pos_weight
    terms = (1 - target) * logits + (1 - target + positive) * softplus(-logits)
    terms = terms if weight is None else terms * weight
    return reduced("binary_cross_entropy_with_logits", terms, reduction)


def _bce_logits_by_target(g, _y, logits, target, weight, *, reduction, pos_weight):
    slopes = -logits
    if pos_weight is not None:
        slopes += K.softplus(-logits) * (pos_weight - 1)
    slopes = slopes if weight is None else slopes * weight
    return slopes * (g / slopes.size if reduction == "mean" else g)


_bce_logits = Op(
    K.binary_cross_entropy_with_logits,
    lambda g, _y, logits, target, weight, **how: K.binary_cross_entropy_with_logits_grad(
        g, logits, target, weight, **how
    ),
    _bce_logits_by_target,
    composed=_composed_bce_logits,
)


def binary_cross_entropy_with_logits(
    logits, target, weight=None, *, reduction="mean", pos_weight=None
):
    """:func:`binary_cross_entropy` of ``sigmoid(logits)``, without its loss of digits.

    See :func:`tatami.kernels.binary_cross_entropy_with_logits`.
    """
    pos_weight = array_of(pos_weight)
    return _bce_logits(logits, target, weight, reduction=reduction, pos_weight=pos_weight)


def _bce_raw(p, target):
    with np.errstate(divide="ignore"):
        return -target * np.maximum(np.log(p), -100) - (1 - target) * np.maximum(np.log1p(-p), -100)


_bce = Op(
    _bce_raw,
    lambda g, _y, p, target: g * (p - target) / clip(p * (1 - p), 1e-12),
    lambda g, _y, p, target: g * (_bce(p, target * 0 + 1) - _bce(p, target * 0)),
    name="binary_cross_entropy",
)


def binary_cross_entropy(input, target, weight=None, *, reduction="mean"):
    """``-target * log(input) - (1 - target) * log(1 - input)`` of probabilities ``input``.

    Logarithms are at least -100, as in PyTorch. ``target`` and ``weight`` have the shape of
    ``input``. Raises ValueError for an ``input`` outside [0, 1].
    """
    name = "binary_cross_entropy"
    target = as_target(name, input, target)
    p = array_of(input)
    if np.any(p < 0) or np.any(p > 1):
        raise ValueError(
            f"{name}: input must lie in [0, 1] but goes from {p.min()} to {p.max()}; "
            "for raw scores there is binary_cross_entropy_with_logits"
        )
    terms = _bce(input, target)
    return reduced(name, terms if weight is None else terms * weight, reduction)


def nll_loss(input, target, weight=None, *, ignore_index=-100, reduction="mean"):
    """The log-likelihood of classes, negated: :func:`cross_entropy` of log-probabilities.

    ``input`` (N, C) or (N, C, d1, ...) as :func:`log_softmax` over axis 1 gives it, ``target``
    (N, d1, ...) of class indices, ``weight`` (C,). The mean divides by the sum of the targets'
    weights.
    """
    target, weight = array_of(target), array_of(weight)
    if input.ndim < 2 or target.shape != (input.shape[0], *input.shape[2:]):
        raise ValueError(
            f"nll_loss: input (N, C, ...) has shape {input.shape} and target {target.shape}; "
            "target must have the shape of input without axis 1"
        )
    if target.dtype.kind not in "iu":
        raise TypeError(f"nll_loss: target must hold integers, not {target.dtype}")
    counted = target != ignore_index
    index = np.where(counted, target, 0)
    if np.any(index < 0) or np.any(index >= input.shape[1]):
        raise ValueError(f"nll_loss: target must hold classes in [0, {input.shape[1]})")
    picked = reshape(gather(input, 1, np.expand_dims(index, 1)), target.shape)
    shares = counted.astype(input.dtype) if weight is None else weight[index] * counted
    terms = where(counted, -picked, 0.0) * shares
    if reduction == "mean":
        return div(sum(terms), float(np.sum(shares)))
    return reduced("nll_loss", terms, reduction)


def kl_div(input, target, *, reduction="mean", log_target=False):
    """``target * (log(target) - input)``, with ``input`` a logarithm of probabilities.

    So is ``target`` under ``log_target``. ``reduction`` may also be "batchmean", the sum over the
    length of axis 0, which is the divergence itself; "mean" divides by the number of elements.
    """
    target = as_target("kl_div", input, target)
    if log_target:
        terms = exp(target) * (target - input)
    else:  # 0 log 0 is 0
        terms = target * (log(where(array_of(target) == 0, 1.0, target)) - input)
    if reduction == "batchmean":
        return div(sum(terms), max(input.shape[0], 1))
    return reduced("kl_div", terms, reduction)


def hinge_loss(input, target, *, reduction="mean"):
    """``max(1 - target * input, 0)`` with targets -1 and 1, as Keras' Hinge."""
    target = as_target("hinge_loss", input, target)
    return reduced("hinge_loss", relu(1 - target * input), reduction)
