"""Rows of a table by index."""

from .. import _core

__all__ = ["embedding", "embedding_grad"]


def embedding(indices, weight):
    """The rows of ``weight`` (V, D) named by integer ``indices`` of any shape: (indices..., D).

    Raises ValueError, with the index and V, where one is negative or not less than V.

    >>> embedding(numpy.array([1, 0]), numpy.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3., 4.],
           [1., 2.]])
    """
    return _core.embedding(indices, weight)


def embedding_grad(grad_y, indices, weight_shape):
    """Gradient of :func:`embedding` by the table: ``grad_y`` (indices..., D) added to its rows.

    Rows that no index names are zero. Each row's sum follows the order of the indices.
    """
    return _core.embedding_grad(grad_y, indices, weight_shape)
