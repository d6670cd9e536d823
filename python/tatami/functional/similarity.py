"""Cosines and distances between vectors, and losses that pull pairs together or push them apart."""

import numpy as np

from ..autograd.tensor import array_of
from .activation import relu
from .arithmetic import sqrt
from .elementwise import clip, minimum, where
from .loss import reduced
from .reduce import norm
from .shape import broadcast_to, sum


def _length(x, axis, eps):
    """The Euclidean norm, at least ``eps``; constant below, so that zeros have a gradient."""
    return sqrt(clip(sum(x * x, axis), eps * eps))


def cosine_similarity(x1, x2, axis=1, eps=1e-8):
    """``<x1, x2> / (|x1| |x2|)`` along ``axis``, of arrays that broadcast to one shape.

    Lengths count as ``eps`` at least.
    """
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ValueError(
            f"cosine_similarity: x1 {x1.shape} and x2 {x2.shape} do not broadcast to one shape"
        ) from None
    x1, x2 = broadcast_to(x1, shape), broadcast_to(x2, shape)
    return sum(x1 * x2, axis) / (_length(x1, axis, eps) * _length(x2, axis, eps))


def normalize(x, p=2.0, axis=1, eps=1e-12):
    """``x`` divided by its ``p``-norm along ``axis``, which counts as ``eps`` at least."""
    return x / clip(norm(x, p, axis, keepdims=True), eps)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdims=False):
    """The ``p``-norm of ``x1 - x2 + eps`` along the last axis; as PyTorch, never quite zero."""
    return norm(x1 - x2 + eps, p, -1, keepdims)


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, *, reduction="mean"
):
    """``max(0, |anchor - positive| - |anchor - negative| + margin)``, vectors on the last axis.

    ``swap`` takes the distance of the negative from the positive where that is the smaller one.
    """
    for name, x in (("positive", positive), ("negative", negative)):
        if x.shape != anchor.shape:
            raise ValueError(
                f"triplet_margin_loss: anchor {anchor.shape} and {name} {x.shape} must match"
            )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced("triplet_margin_loss", relu(near - far + margin), reduction)


def _pair_terms(name, target, shape, alike, apart, reduction):
    """``alike`` where the target is 1, ``apart`` where it is -1."""
    target = array_of(target)
    if target.shape != shape:
        raise ValueError(f"{name}: target has shape {target.shape} but must have {shape}")
    if np.any(np.abs(target) != 1):
        raise ValueError(f"{name}: target must hold -1 and 1 only")
    return reduced(name, where(target == 1, alike, apart), reduction)


def cosine_embedding_loss(input1, input2, target, margin=0.0, *, reduction="mean"):
    """``1 - cos`` for pairs with target 1, ``max(0, cos - margin)`` for those with target -1.

    ``input1`` and ``input2`` are (N, D) with ``target`` (N,), or (D,) with one of no axes.
    """
    cosine = cosine_similarity(input1, input2, axis=-1)
    return _pair_terms(
        "cosine_embedding_loss",
        target,
        cosine.shape,
        1 - cosine,
        relu(cosine - margin),
        reduction,
    )


def hinge_embedding_loss(input, target, *, margin=1.0, reduction="mean"):
    """``input``, a distance, where the target is 1; ``max(0, margin - input)`` where it is -1."""
    return _pair_terms(
        "hinge_embedding_loss", target, input.shape, input, relu(margin - input), reduction
    )
