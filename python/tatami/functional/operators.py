"""Tensor's operators and methods are the functions of this package, set here in one place."""

from ..autograd import Tensor
from . import arithmetic, matmul, shape

Tensor.__add__ = arithmetic.add
Tensor.__radd__ = arithmetic.add
Tensor.__sub__ = arithmetic.sub
Tensor.__rsub__ = lambda a, b: arithmetic.sub(b, a)
Tensor.__mul__ = arithmetic.mul
Tensor.__rmul__ = arithmetic.mul
Tensor.__truediv__ = arithmetic.div
Tensor.__rtruediv__ = lambda a, b: arithmetic.div(b, a)
Tensor.__pow__ = arithmetic.pow
Tensor.__neg__ = arithmetic.neg
Tensor.__matmul__ = matmul.matmul
Tensor.__rmatmul__ = lambda a, b: matmul.matmul(b, a)
Tensor.T = property(shape.transpose)
Tensor.reshape = lambda x, *sizes: shape.reshape(x, sizes[0] if len(sizes) == 1 else sizes)
Tensor.flatten = shape.flatten
Tensor.sum = shape.sum
Tensor.mean = shape.mean
