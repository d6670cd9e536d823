"""Tensor's operators and methods are the functions of this package, set here in one place."""

import operator

from ..autograd import Tensor
from ..autograd.tensor import array_of
from . import arithmetic, elementwise, indexing, inplace, matmul, reduce, shape


def _swapped(f):
    return lambda a, b: f(b, a)


def _compared(f):
    """A comparison: an array of bool, without gradient."""
    return lambda a, b: f(array_of(a), array_of(b))


Tensor.__add__ = Tensor.__radd__ = arithmetic.add
Tensor.__sub__ = arithmetic.sub
Tensor.__rsub__ = _swapped(arithmetic.sub)
Tensor.__mul__ = Tensor.__rmul__ = arithmetic.mul
Tensor.__truediv__ = arithmetic.div
Tensor.__rtruediv__ = _swapped(arithmetic.div)
Tensor.__pow__ = arithmetic.pow
Tensor.__rpow__ = _swapped(arithmetic.pow)
Tensor.__matmul__ = matmul.matmul
Tensor.__rmatmul__ = _swapped(matmul.matmul)
Tensor.__neg__ = arithmetic.neg
Tensor.__abs__ = elementwise.abs
Tensor.__getitem__ = indexing.getitem
Tensor.__setitem__ = inplace.setitem
Tensor.copy_ = inplace.copy_
Tensor.zero_ = inplace.zero_

for _name, _f in inplace.OPERATORS.items():
    setattr(Tensor, _name, _f)

for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _compared(getattr(operator, _name)))

Tensor.T = property(shape.transpose)
for _f in (
    *(arithmetic.exp, arithmetic.log, arithmetic.sqrt, elementwise.abs, elementwise.astype),
    *(elementwise.clip, elementwise.cos, elementwise.sin, reduce.cumsum, reduce.max, reduce.min),
    *(reduce.norm, reduce.prod, reduce.std, reduce.var, shape.flatten, shape.mean, shape.squeeze),
    *(shape.sum, shape.swapaxes),
):
    setattr(Tensor, _f.__name__, _f)


def _sizes(sizes):
    """``f(2, 3)`` and ``f((2, 3))`` mean the same."""
    return sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


Tensor.reshape = lambda x, *shape_: shape.reshape(x, _sizes(shape_))
Tensor.transpose = lambda x, *axes: shape.transpose(x, _sizes(axes) or None)
