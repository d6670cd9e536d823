"""Rows of a table. Gathering and scattering are each other's derivatives."""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from ..autograd.tensor import array_of


def _table_grad(g, _y, indices, _weight, padding_idx=None):
    if padding_idx is not None:  # its row gets zeros
        g = g * (np.expand_dims(array_of(indices), -1) != padding_idx).astype(g.dtype)
    return _embedding_grad(g, indices, weight_shape=_weight.shape)


def _raw(indices, weight, padding_idx=None):
    return K.embedding(indices, weight)


_embedding = Op(_raw, lambda g, _y, _indices, _weight, **how: None, _table_grad, name="embedding")
_embedding_grad = Op(
    K.embedding_grad, lambda gg, _y, _g, indices, weight_shape: _embedding(indices, gg)
)


def embedding(indices, weight, padding_idx=None):
    """The rows of ``weight`` (V, D) that ``indices`` name; see :func:`tatami.kernels.embedding`.

    The row ``padding_idx`` (from the end if negative) is read like any other but gets no gradient.
    """
    if padding_idx is None:
        return _embedding(indices, weight)
    rows = len(weight)
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"embedding: padding_idx {padding_idx} is out of range for weight {weight.shape}"
        )
    return _embedding(indices, weight, padding_idx=padding_idx % rows)
