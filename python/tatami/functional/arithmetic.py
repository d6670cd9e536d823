"""Elementwise arithmetic with NumPy's broadcasting."""

import numpy as np

from ..autograd import Op
from .shape import sum_to


def _checked(name, ufunc):
    """The ufunc, refusing to mix float32 and float64 arrays as the kernels do."""

    def raw(a, b):
        y = ufunc(a, b)
        for x in (a, b):
            if isinstance(x, np.ndarray) and x.dtype is not y.dtype and x.dtype.kind == "f":
                raise TypeError(f"{name}: dtypes {a.dtype} and {b.dtype} do not mix; use astype")
        return y

    raw.__name__ = name
    return raw


_add = Op(
    _checked("add", np.add),
    lambda g, y, a, b: sum_to(g, a.shape),
    lambda g, y, a, b: sum_to(g, b.shape),
)
_sub = Op(
    _checked("sub", np.subtract),
    lambda g, y, a, b: sum_to(g, a.shape),
    lambda g, y, a, b: sum_to(neg(g), b.shape),
)
_mul = Op(
    _checked("mul", np.multiply),
    lambda g, y, a, b: sum_to(g * b, a.shape),
    lambda g, y, a, b: sum_to(g * a, b.shape),
)
_div = Op(
    _checked("div", np.true_divide),
    lambda g, y, a, b: sum_to(g / b, a.shape),
    lambda g, y, a, b: sum_to(neg(g * y / b), b.shape),
)
_pow = Op(
    lambda x, exponent: x**exponent,
    lambda g, y, x, exponent: g * (exponent * x ** (exponent - 1)) if exponent else g * 0,
    name="pow",
)
_neg = Op(np.negative, lambda g, y, x: neg(g))
_exp = Op(np.exp, lambda g, y, x: g * y)
_log = Op(np.log, lambda g, y, x: g / x)
_sqrt = Op(np.sqrt, lambda g, y, x: g * 0.5 / y)


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
    """``x ** exponent`` for a Python number as exponent."""
    if not isinstance(exponent, (int, float)):
        raise TypeError(f"pow: exponent must be a Python number, not {type(exponent).__name__}")
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
