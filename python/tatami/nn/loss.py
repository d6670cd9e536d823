"""Losses as modules. ``reduction`` is "mean", "sum" or "none"."""

from .. import functional as F
from .module import Buffer, Module


def _buffer(weight):
    """Weights are part of the state, as in PyTorch."""
    return None if weight is None else Buffer(weight)


class _Loss(Module):
    def __init__(self, reduction="mean"):
        self.reduction = reduction


class MSELoss(_Loss):
    """Squared differences."""

    def forward(self, input, target):
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """Absolute differences."""

    def forward(self, input, target):
        return F.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(Module):
    """Squared differences up to ``delta``, straight beyond."""

    def __init__(self, reduction="mean", delta=1.0):
        self.reduction = reduction
        self.delta = delta

    def forward(self, input, target):
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(Module):
    """Binary cross-entropy of probabilities; ``weight`` has the input's shape."""

    def __init__(self, weight=None, *, reduction="mean"):
        self.weight = _buffer(weight)
        self.reduction = reduction

    def forward(self, input, target):
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Module):
    """Binary cross-entropy of logits; ``pos_weight`` (C,) or a number weighs the ones.

    ``weight`` has the logits' shape.
    """

    def __init__(self, weight=None, *, reduction="mean", pos_weight=None):
        self.weight = _buffer(weight)
        self.reduction = reduction
        self.pos_weight = _buffer(pos_weight)

    def forward(self, input, target):
        how = {"reduction": self.reduction, "pos_weight": self.pos_weight}
        return F.binary_cross_entropy_with_logits(input, target, self.weight, **how)


class CrossEntropyLoss(Module):
    """Softmax over axis 1, then the log-likelihood of class indices or probabilities.

    ``weight`` (C,) weighs the classes; rows of class ``ignore_index`` do not count.
    """

    def __init__(self, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        self.weight = _buffer(weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(Module):
    """The log-likelihood of class indices, of log-probabilities with the classes on axis 1."""

    def __init__(self, weight=None, *, ignore_index=-100, reduction="mean"):
        self.weight = _buffer(weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input, target):
        how = {"ignore_index": self.ignore_index, "reduction": self.reduction}
        return F.nll_loss(input, target, self.weight, **how)


class KLDivLoss(Module):
    """Divergence of ``target`` from ``input``, which are log-probabilities."""

    def __init__(self, reduction="mean", log_target=False):
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, input, target):
        how = {"reduction": self.reduction, "log_target": self.log_target}
        return F.kl_div(input, target, **how)


class HingeLoss(_Loss):
    """max(0, 1 - input * target) for targets -1 and 1."""

    def forward(self, input, target):
        return F.hinge_loss(input, target, reduction=self.reduction)


class HingeEmbeddingLoss(Module):
    """``input`` where the target is 1, max(0, margin - input) where it is -1."""

    def __init__(self, margin=1.0, *, reduction="mean"):
        self.margin = margin
        self.reduction = reduction

    def forward(self, input, target):
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class CosineSimilarity(Module):
    """The cosine of the angle between ``x1`` and ``x2`` along ``axis``."""

    def __init__(self, axis=1, eps=1e-8):
        self.axis = axis
        self.eps = eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.axis, self.eps)


class CosineEmbeddingLoss(Module):
    """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1."""

    def __init__(self, margin=0.0, *, reduction="mean"):
        self.margin = margin
        self.reduction = reduction

    def forward(self, input1, input2, target):
        how = {"margin": self.margin, "reduction": self.reduction}
        return F.cosine_embedding_loss(input1, input2, target, **how)
