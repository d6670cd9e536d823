"""Penalties on weights, to be added to a loss."""

from .. import functional as F
from .module import Module


def l1_penalty(parameters, strength):
    """``strength`` times the sum of absolute weights: few of them stay far from zero.

    ``parameters`` are tensors, or a module, of which the weights count (two axes and more) and
    biases and scales do not.

    >>> loss = F.mse_loss(model(x), y) + nn.l1_penalty(model, 1e-4)

    For ``fit``, the loss is a function that adds it:

    >>> model.compile("adam", lambda y, t: F.mse_loss(y, t) + nn.l1_penalty(model, 1e-4))
    """
    return _total(F.abs, parameters) * strength


def l2_penalty(parameters, strength):
    """``strength`` times the sum of squared weights: all of them stay small.

    ``parameters`` as in :func:`l1_penalty`. The gradient is ``2 * strength * w``; an optimizer's
    ``weight_decay=d`` is ``strength = d / 2`` over all parameters.
    """
    return _total(lambda w: w * w, parameters) * strength


def _total(of, parameters):
    if isinstance(parameters, Module):
        parameters = [p for p in parameters.parameters() if p.ndim > 1]
    sums = [F.sum(of(p)) for p in parameters]
    if not sums:
        raise ValueError("penalty: there are no weights to count")
    return sum(sums[1:], sums[0])
