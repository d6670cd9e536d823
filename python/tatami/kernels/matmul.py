"""Matrix products."""

from .. import _core

__all__ = ["linear", "matmul"]


def matmul(a, b, bias=None, *, activation=None, out=None):
    """``activation(a @ b + bias)`` by NumPy's matmul rules, batched and broadcast.

    ``a`` (..., M, K) or (K,); ``b`` (..., K, N) or (K,); ``bias`` (N,). Batch axes broadcast.
    ``activation`` is None, "relu", "leaky_relu", "sigmoid", "tanh", "gelu" or "silu". Transposed
    views are read in place. An empty K gives zeros (plus bias).

    Every element is one chain of fused multiply-adds in the order of K: the same bits for any
    number of threads, any batch, and on every instruction set with FMA.

    >>> matmul(numpy.eye(2), numpy.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    return _core.matmul(a, b, bias, activation, out)


def linear(x, weight, bias=None, *, activation=None, out=None):
    """``activation(x @ weight.T + bias)``: ``x`` (..., I), ``weight`` (O, I), ``bias`` (O,)."""
    return _core.linear(x, weight, bias, activation, out)
