"""Matrix products. A product's derivatives are products."""

from .. import kernels as K
from ..autograd import Op
from .activation import activated
from .shape import reshape, sum, sum_to, transpose

_matmul = Op(
    K.matmul,
    lambda g, y, a, b, bias: sum_to(matmul(g, _swapped(b)), a.shape),
    lambda g, y, a, b, bias: sum_to(matmul(_swapped(a), g), b.shape),
    lambda g, y, a, b, bias: sum_to(g, bias.shape),
)
_linear = Op(
    K.linear,
    lambda g, y, x, weight, bias: matmul(g, weight),
    lambda g, y, x, weight, bias: matmul(transpose(_rows(g)), _rows(x)),
    lambda g, y, x, weight, bias: sum(_rows(g), 0),
)


def matmul(a, b, bias=None, *, activation=None):
    """``activation(a @ b + bias)``; see :func:`tatami.kernels.matmul`."""
    if a.ndim > 1 and b.ndim > 1:
        return activated(_matmul(a, b, bias), activation)
    left = reshape(a, (1, -1)) if a.ndim == 1 else a
    right = reshape(b, (-1, 1)) if b.ndim == 1 else b
    y = _matmul(left, right, bias)
    rows = () if a.ndim == 1 else y.shape[-2:-1]
    columns = () if b.ndim == 1 else y.shape[-1:]
    return activated(reshape(y, (*y.shape[:-2], *rows, *columns)), activation)


def linear(x, weight, bias=None, *, activation=None):
    """``activation(x @ weight.T + bias)``; see :func:`tatami.kernels.linear`."""
    return activated(_linear(x, weight, bias), activation)


def _swapped(x):
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _rows(x):
    """All leading axes as one."""
    return x if x.ndim == 2 else reshape(x, (-1, x.shape[-1]))
