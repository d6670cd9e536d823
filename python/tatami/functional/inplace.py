"""Changes in place: for tensors whose gradient nobody follows, like parameters under ``no_grad``.

The pass back notices a change of what it needs (see :meth:`Tensor.bump`). Where a history has to be
kept, ``x += y`` makes a new tensor, as it does for Python's numbers; the rest is refused.
"""

import operator

from ..autograd import Tensor, is_grad_enabled
from ..autograd.tensor import array_of
from .indexing import plain_index


def _requires_grad(x):
    return isinstance(x, Tensor) and x.requires_grad


def _refuse_leaf(name, x):
    if x.is_leaf and x.requires_grad:
        raise RuntimeError(
            f"{name}: a leaf that requires gradients (shape {x.shape}) cannot be changed in place "
            "while operations are recorded; do it under no_grad()"
        )


def _check(name, x, value):
    """Whether gradients would get lost."""
    if not is_grad_enabled():
        return
    _refuse_leaf(name, x)
    if x.requires_grad or _requires_grad(value):
        raise RuntimeError(
            f"{name}: gradients flow through this tensor (shape {x.shape}) or the value; "
            "make a new tensor with where, stack or concatenate, or detach() first"
        )


def setitem(x, index, value):
    """``x[index] = value`` in the array of ``x``."""
    _check("setitem", x, value)
    x.data[plain_index(index)] = array_of(value)
    x.bump()


def copy_(x, value):
    """The elements of ``value`` (broadcast) into the array of ``x``; returns ``x``."""
    _check("copy_", x, value)
    x.data[...] = array_of(value)
    x.bump()
    return x


def zero_(x):
    """Zeros into the array of ``x``; returns ``x``."""
    return copy_(x, 0)


def augmented(symbol, change, otherwise):
    """``x += y`` and its like: in place, or ``otherwise`` where a history has to be kept."""

    def operation(x, y):
        if is_grad_enabled() and (x.requires_grad or _requires_grad(y)):
            _refuse_leaf(symbol, x)
            return otherwise(x, y)
        x.data = change(x.data, array_of(y))
        return x

    return operation


OPERATORS = {
    "__iadd__": augmented("+=", operator.iadd, operator.add),
    "__isub__": augmented("-=", operator.isub, operator.sub),
    "__imul__": augmented("*=", operator.imul, operator.mul),
    "__itruediv__": augmented("/=", operator.itruediv, operator.truediv),
}
