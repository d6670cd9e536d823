"""Losses by name, and how fit calls them: targets made to fit, rows weighted."""

import copy
import inspect

from .. import functional as F
from .._device import moved
from ..autograd import Tensor

_names = {
    "binary_cross_entropy": "binary_cross_entropy",
    "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits",
    "cross_entropy": "cross_entropy",
    "hinge": "hinge_loss",
    "huber": "huber_loss",
    "kl_div": "kl_div",
    "l1": "l1_loss",
    "mae": "l1_loss",
    "mean_absolute_error": "l1_loss",
    "mean_squared_error": "mse_loss",
    "mse": "mse_loss",
    "nll": "nll_loss",
}

# One score a row means class 1 above 0 under these, above 1/2 under all others.
_on_logits = {
    "binary_cross_entropy_with_logits",
    "hinge_loss",
    "BCEWithLogitsLoss",
    "HingeLoss",
}


class Loss:
    """``loss(output, target, weight)`` from a name, a function (output, target), or a module."""

    def __init__(self, loss):
        if isinstance(loss, str):
            if loss not in _names:
                raise ValueError(
                    f"compile: loss {loss!r} is not known; give one of {', '.join(_names)}, "
                    "or a function (output, target) -> mean over the batch"
                )
            loss = getattr(F, _names[loss])
        if not callable(loss):
            raise TypeError(f"compile: loss must be a name or a function, not {loss!r}")
        self.function = loss
        self.name = getattr(loss, "__name__", type(loss).__name__)
        self.threshold = 0.0 if self.name in _on_logits else 0.5

    def __call__(self, output, target, weight=None):
        """The mean over the batch; with weights (N,) that of weight times loss, as in Keras."""
        if isinstance(output, Tensor):
            target = moved(target, output.device)
            weight = None if weight is None else moved(weight, output.device)
        target = matched(target, output)
        if weight is None:
            return self.function(output, target)
        terms = self._terms(output, target)
        if terms.ndim > 1:
            terms = terms.mean(axis=tuple(range(1, terms.ndim)))
        return (terms * weight.astype(terms.dtype)).mean()

    def _terms(self, output, target):
        """The loss of every row by itself."""
        if hasattr(self.function, "reduction"):
            single = copy.copy(self.function)
            single.reduction = "none"
            return single(output, target)
        if "reduction" not in inspect.signature(self.function).parameters:
            raise ValueError(
                "fit: class_weight and sample_weight need a loss with an argument `reduction`; "
                f"{self.name} has none"
            )
        return self.function(output, target, reduction="none")


def matched(target, output):
    """The target as the output's loss wants it.

    A target with as many numbers as the output takes its dtype, and its shape if only axes of
    length 1 differ; class indices (N, 1) become (N,); floats take the output's dtype.
    """
    if not isinstance(output, Tensor) or isinstance(target, Tensor):
        return target
    if target.size == output.size or target.dtype.kind == "f":
        if target.dtype != output.dtype:
            target = target.astype(output.dtype)
        if target.size == output.size and target.ndim != output.ndim:
            target = target.reshape(output.shape)
    elif target.ndim == output.ndim > 1 and target.shape[1] == 1:
        target = target[:, 0]
    return target
