"""Attention of several heads."""

import math

import numpy as np

from .. import functional as F
from .._device import device_of
from ..autograd.tensor import array_of
from . import init
from .allocation import parameter
from .lazy import Lazy, require
from .linear import Linear


class MultiheadAttention(Lazy):
    """Every query's mean of the values, weighted by how its key matches (Vaswani et al., 2017).

    query (L, N, embed_dim), key (S, N, kdim) and value (S, N, vdim), or (N, L, ...) with
    ``batch_first``; key and value default to the query. Returns the output, shaped like the
    query, and the weights (N, L, S), the mean of the heads' unless ``average_attn_weights=False``
    (then (N, num_heads, L, S)); None, and faster, with ``need_weights=False``. ``embed_dim`` may
    be left out (None).
    """

    size_name, size_axis = "embed_dim", -1

    def __init__(
        self,
        embed_dim=None,
        num_heads=None,
        dropout=0.0,
        bias=True,
        *,
        kdim=None,
        vdim=None,
        batch_first=False,
    ):
        require("MultiheadAttention", num_heads=num_heads)
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.use_bias = bias
        self.kdim = kdim
        self.vdim = vdim
        self.batch_first = batch_first
        self.make()

    def make_parameters(self):
        size = self.embed_dim
        if self.num_heads < 1 or size % self.num_heads:
            raise ValueError(
                f"MultiheadAttention: embed_dim {size} does not divide into {self.num_heads} heads"
            )
        if self.kdim in (None, size) and self.vdim in (None, size):
            self.in_proj_weight = parameter(3 * size, size)
        else:
            self.in_proj_weight = None
            self.q_proj_weight = parameter(size, size)
            self.k_proj_weight = parameter(size, self.kdim or size)
            self.v_proj_weight = parameter(size, self.vdim or size)
        self.in_proj_bias = parameter(3 * size) if self.use_bias else None
        self.out_proj = Linear(size, size, self.use_bias)

    def reset_parameters(self):
        """Draw new initial values, PyTorch's."""
        for name, p in self.named_parameters():
            if name.endswith("proj_weight"):
                init.xavier_uniform_(p)
        self.out_proj.reset_parameters()
        if self.use_bias:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query,
        key=None,
        value=None,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        """Masks are bool, True where not to look, or floats to be added.

        ``key_padding_mask`` is (N, S), ``attn_mask`` (L, S) or (N * num_heads, L, S);
        ``is_causal`` lets no query look at later keys.
        """
        key = query if key is None else key
        value = key if value is None else value
        self._check(query, key, value)
        q, k, v = (self._heads(x) for x in self._projected(query, key, value))
        mask = self._mask(q, k, key_padding_mask, attn_mask, is_causal)
        p = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = F.matmul(q * (1 / math.sqrt(q.shape[-1])), F.swapaxes(k, -1, -2))
            weights = F.softmax(scores if mask is None else scores + mask)
            y = F.matmul(F.dropout(weights, p, p > 0), v)
            weights = F.mean(weights, 1) if average_attn_weights else weights
        else:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)
        order = (0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)
        return self.out_proj(F.reshape(F.transpose(y, order), query.shape)), weights

    def _check(self, query, key, value):
        batch = 0 if self.batch_first else 1
        fits = query.ndim == key.ndim == value.ndim == 3 and key.shape[:2] == value.shape[:2]
        if not fits or query.shape[batch] != key.shape[batch]:
            raise ValueError(
                f"MultiheadAttention: query {query.shape}, key {key.shape} and value {value.shape} "
                "must have 3 axes and one batch size, key and value one length; give a single "
                "sequence a batch axis"
            )

    def _projected(self, query, key, value):
        if self.in_proj_weight is None:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        elif query is key and key is value:
            return F.chunk(F.linear(query, self.in_proj_weight, self.in_proj_bias), 3, -1)
        else:
            weights = F.chunk(self.in_proj_weight, 3, 0)
        biases = F.chunk(self.in_proj_bias, 3, 0) if self.use_bias else (None,) * 3
        return map(F.linear, (query, key, value), weights, biases)

    def _heads(self, x):
        """(T, N, E) or (N, T, E) -> (N, heads, T, E / heads)."""
        size = self.embed_dim // self.num_heads
        order = (0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3)
        return F.transpose(F.reshape(x, (*x.shape[:2], self.num_heads, size)), order)

    def _mask(self, q, k, key_padding_mask, attn_mask, is_causal):
        """What is added to the scores (N, heads, L, S), or None."""
        n, heads, rows, columns = *q.shape[:3], k.shape[2]
        masks = []
        if key_padding_mask is not None:
            mask = _additive("key_padding_mask", key_padding_mask, q.dtype, (n, columns))
            masks.append(mask[:, None, None])
        if attn_mask is not None:
            shapes = (rows, columns), (n * heads, rows, columns)
            mask = _additive("attn_mask", attn_mask, q.dtype, *shapes)
            masks.append(mask.reshape(n, heads, rows, columns) if mask.ndim == 3 else mask)
        if is_causal:
            later = np.triu(np.ones((rows, columns), bool, like=array_of(q)), 1)
            masks.append(np.where(later, -np.inf, 0).astype(q.dtype))
        return sum(masks[1:], masks[0]) if masks else None

    def multiply_adds(self, x, y):
        # Projections of query, key and value, scores and sums; the child counts its own.
        length = x.shape[1 if self.batch_first else 0]
        return x.size * (3 * self.embed_dim + 2 * length)


def _additive(name, mask, dtype, *shapes):
    """What ``mask``, of one of the shapes, adds to scores."""
    mask = mask if device_of(mask) == "cuda" else np.asarray(mask)
    if mask.shape not in shapes:
        fitting = " or ".join(map(str, shapes))
        raise ValueError(f"MultiheadAttention: {name} must be {fitting}, got shape {mask.shape}")
    return np.where(mask, -np.inf, 0).astype(dtype) if mask.dtype == bool else mask.astype(dtype)
