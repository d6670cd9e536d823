"""Elementwise arithmetic with NumPy's broadcasting."""

import operator

import numpy as np

from ..autograd import Op
from ..autograd.tensor import array_of
from .shape import sum_to


def elementwise(raw, *rules, name=None):
    """An operation whose arguments broadcast."""
    return Op(raw, *rules, name=name, unbroadcast=sum_to)


def _power_by_base(g, _y, x, exponent):
    """``exponent x^(exponent - 1)``, which is 0 and not 0/0 where the exponent is 0."""
    return g * (exponent * x ** (exponent - (array_of(exponent) != 0)))


def _power_by_exponent(g, y, x, _exponent):
    """``y log(x)``, and 0 where x is 0: the limit for positive exponents."""
    return g * y * log(x + (array_of(x) == 0))


_add = elementwise(np.add, lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g, name="add")
_sub = elementwise(np.subtract, lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: neg(g), name="sub")
_mul = elementwise(np.multiply, lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: g * a, name="mul")
_div = elementwise(
    np.true_divide, lambda g, _y, _a, b: g / b, lambda g, y, _a, b: neg(g * y / b), name="div"
)
_pow = elementwise(operator.pow, _power_by_base, _power_by_exponent)
_neg = Op(np.negative, lambda g, _y, _x: neg(g), name="neg")
_exp = Op(np.exp, lambda g, y, _x: g * y)
_log = Op(np.log, lambda g, _y, x: g / x)
_sqrt = Op(np.sqrt, lambda g, y, _x: g * 0.5 / y)


def add(a, b):
    """``a + b``; either may be a Python number."""
    return _add(a, b)


def sub(a, b):
    """``a - b``; either may be a Python number."""
    return _sub(a, b)


def mul(a, b):
    """``a * b``, elementwise; either may be a Python number."""
    return _mul(a, b)


def div(a, b):
    """``a / b``, elementwise; either may be a Python number."""
    return _div(a, b)


def pow(x, exponent):
    """``x ** exponent``, elementwise; either may be a Python number."""
    return _pow(x, exponent)


def neg(x):
    """``-x``."""
    return _neg(x)


def exp(x):
    """e to the power of ``x``, elementwise."""
    return _exp(x)


def log(x):
    """The natural logarithm, elementwise."""
    return _log(x)


def sqrt(x):
    """The square root, elementwise."""
    return _sqrt(x)
