"""Gradients kept within bounds, in place."""

import math

import numpy as np

from .. import kernels as K
from .._device import device_of
from ..autograd import Tensor
from ..capture.live import live


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False):
    """Scale all gradients down so that their norm, taken as one vector, is at most ``max_norm``.

    Returns the norm before, a float. ``norm_type`` may be ``inf``, the greatest absolute value. A
    norm that is infinite or NaN is a RuntimeError under ``error_if_nonfinite``, else it spoils the
    gradients, as in PyTorch. On a GPU the usual norm is returned as an array of no axes, for which
    nothing has to be waited.
    """
    return _clip(_gradients(parameters), max_norm, norm_type, error_if_nonfinite)


@live
def _clip(lists, max_norm, norm_type, error_if_nonfinite):
    grads = [g for grads in lists for g in grads]
    if norm_type == 2 and not error_if_nonfinite and grads and device_of(grads[0]) == "cuda":
        return _clip_there(lists, max_norm)
    norm = _norm(grads, lists, float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(
            f"clip_grad_norm_: the gradients' norm of order {norm_type} is {norm}; "
            "error_if_nonfinite=False would scale them by it all the same"
        )
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # NaN too
        for grads in lists:
            K.scale_all(grads, factor)
    return norm


def _clip_there(lists, max_norm):
    """The same on a GPU, whose numbers stay there."""
    norm = sum(K.global_norm(grads) ** 2 for grads in lists) ** 0.5
    factor = np.minimum(max_norm / (norm + 1e-6), 1.0)  # NaN stays
    for grads in lists:
        K.scale_all(grads, factor)
    return norm


def clip_grad_value_(parameters, clip_value):
    """Limit every element of the gradients to ``[-clip_value, clip_value]``."""
    _limit(_gradients(parameters), clip_value)


@live
def _limit(lists, clip_value):
    for grads in lists:
        K.clip_all(grads, clip_value)


def _gradients(parameters):
    """The arrays of the gradients there are, a list for each dtype."""
    together = {}
    for p in [parameters] if isinstance(parameters, Tensor) else parameters:
        if p.grad is not None:
            grad = p.grad.data
            if not (grad.flags.c_contiguous and getattr(grad.flags, "writeable", True)):
                grad = p.grad.data = grad.copy(order="C")
            together.setdefault(grad.dtype, []).append(grad)
    return list(together.values())


def _norm(grads, lists, order):
    if order == 2:
        return math.hypot(*(K.global_norm(grads) for grads in lists))
    if not grads:
        return 0.0
    if order == math.inf:
        return float(np.max([float(np.abs(g).max(initial=0.0)) for g in grads]))
    powers = (float(np.sum(np.abs(g) ** order, dtype=np.float64)) for g in grads)
    return float(sum(powers) ** (1 / order))
