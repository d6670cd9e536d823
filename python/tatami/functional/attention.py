"""Attention of queries over keys and values."""

import math

import numpy as np

from ..autograd.tensor import array_of
from .dropout import dropout
from .matmul import matmul
from .shape import transpose
from .softmax import softmax


def scaled_dot_product_attention(
    q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None
):
    """``softmax(q @ k.T * scale + mask) @ v``, the softmax over the keys (Vaswani et al., 2017).

    ``q`` (..., L, E), ``k`` (..., S, E), ``v`` (..., S, V); returns (..., L, V). ``attn_mask``
    broadcasts to (..., L, S): bools that hold where a query may see a key, or numbers to add.
    ``is_causal`` lets query i see keys 0 to i instead. ``scale`` is 1 / sqrt(E) by default. A query
    that a mask of bools lets see nothing gives zeros. Pass ``dropout_p=0`` when not training.
    """
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"scaled_dot_product_attention: q {q.shape}, k {k.shape} and v {v.shape} do not fit: "
            "q and k share the last axis, k and v the one before it"
        )
    if is_causal:
        if attn_mask is not None:
            raise ValueError("scaled_dot_product_attention: is_causal excludes an attn_mask")
        attn_mask = np.tril(np.ones((q.shape[-2], k.shape[-2]), bool, like=array_of(q)))
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = matmul(q * scale, transpose(k, (*range(k.ndim - 2), k.ndim - 1, k.ndim - 2)))
    if attn_mask is None:
        shares = softmax(scores)
    elif attn_mask.dtype.kind == "b":
        shares = _masked_softmax(scores, array_of(attn_mask))
    else:
        shares = softmax(scores + attn_mask)
    return matmul(dropout(shares, dropout_p), v)


def _masked_softmax(scores, mask):
    """Softmax over the elements where ``mask`` holds; a row without any is zeros."""
    blind = ~np.any(mask, -1, keepdims=True)
    hidden = np.where(mask | blind, 0, -np.inf).astype(scores.dtype)
    shares = softmax(scores + hidden)
    return shares * (~blind).astype(scores.dtype) if np.any(blind) else shares
