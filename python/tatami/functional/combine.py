"""Arrays put together, taken apart and given a margin."""

import itertools
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..autograd import Op
from ..autograd.tensor import array_of
from .indexing import getitem
from .shape import expand_dims

_concatenate = Op(
    lambda *xs, axis: np.concatenate(xs, axis=operator.index(axis)),
    name="concatenate",
    joint=lambda g, _y, *_xs, axis: split(g, [x.shape[axis] for x in _xs], axis),
)


def _split_raw(x, sizes, axis):
    ends = list(itertools.accumulate(sizes))
    return tuple(np.split(x, ends[:-1], axis=axis))


def _split_rule(grads, _ys, _x, sizes, axis):
    """The parts' gradients in a row, zeros for a part that was not used."""
    used = array_of(next(g for g in grads if g is not None))

    def zeros(size):
        shape = list(_x.shape)
        shape[axis] = size
        return np.zeros_like(used, shape=shape)

    parts = [zeros(n) if g is None else g for g, n in zip(grads, sizes, strict=True)]
    return concatenate(parts, axis)


_split = Op(_split_raw, _split_rule, name="split", outputs=None, view=True)


def concatenate(xs, axis=0):
    """A sequence of arrays or tensors in a row along ``axis``; the other axes must agree."""
    return _concatenate(*xs, axis=axis)


def stack(xs, axis=0):
    """A sequence of arrays or tensors of one shape, side by side along a new axis."""
    xs = list(xs)
    shapes = {x.shape for x in xs}
    if len(shapes) > 1:
        raise ValueError(
            f"stack: shapes {', '.join(map(str, sorted(shapes)))} differ; concatenate needs only "
            "the other axes to agree"
        )
    return _concatenate(*(expand_dims(x, axis) for x in xs), axis=axis)


def split(x, split_size_or_sections, axis=0):
    """A tuple of parts along ``axis``: of one size (the last perhaps shorter), or of those given.

    As PyTorch's, where NumPy's takes the number of parts: for that see :func:`chunk`.
    """
    axis = normalize_axis_index(axis, x.ndim, "split")
    size, sizes = x.shape[axis], split_size_or_sections
    if isinstance(sizes, int):
        if sizes < 1:
            raise ValueError(f"split: the size of a part must be positive, not {sizes}")
        sizes = [min(sizes, size - start) for start in range(0, size, sizes)] or [0]
    if sum(sizes) != size or min(sizes) < 0:
        raise ValueError(
            f"split: parts of {list(sizes)} do not add up to the {size} of x {x.shape}"
        )
    return _split(x, sizes=tuple(sizes), axis=axis)


def chunk(x, chunks, axis=0):
    """A tuple of at most ``chunks`` equal parts along ``axis``, the last perhaps shorter."""
    if chunks < 1:
        raise ValueError(f"chunk: chunks must be at least 1, not {chunks}")
    axis = normalize_axis_index(axis, x.ndim, "chunk")
    return split(x, max(-(-x.shape[axis] // chunks), 1), axis)


def pad(x, pad, mode="constant", value=0.0):
    """A margin around the last axes: ``pad`` is (left, right, top, bottom, ...), last axis first.

    ``mode`` is "constant" (of ``value``), "reflect" (without the edge), "replicate" or "circular".
    PyTorch's function; negative widths crop.
    """
    if isinstance(pad, int) or len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad: {pad} must be a pair of widths for at most {x.ndim} axes of x")
    if mode not in _SOURCES and mode != "constant":
        raise ValueError(
            f"pad: mode must be constant, reflect, replicate or circular, not {mode!r}"
        )
    for k, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True)):
        axis = x.ndim - 1 - k
        if mode == "constant":
            x = _constant(x, before, after, axis, value)
        elif before or after:
            x = _from_inside(x, before, after, axis, mode)
    return x


def _constant(x, before, after, axis, value):
    if -min(before, 0) - min(after, 0) > x.shape[axis]:
        raise ValueError(f"pad: cannot crop {(before, after)} from axis {axis} of x {x.shape}")
    inside = slice(max(-before, 0), x.shape[axis] - max(-after, 0))
    x = x if before >= 0 and after >= 0 else getitem(x, (slice(None),) * axis + (inside,))

    def margin(width):
        shape = (*x.shape[:axis], max(width, 0), *x.shape[axis + 1 :])
        return np.full_like(array_of(x), value, shape=shape)

    parts = [margin(before), x, margin(after)]
    return concatenate([p for p in parts if p is x or p.shape[axis]], axis)


# Which element of 0 ... n - 1 stands at place i of the endless row.
_SOURCES = {
    "reflect": lambda i, n: n - 1 - np.abs(n - 1 - i % max(2 * n - 2, 1)),
    "replicate": lambda i, n: np.clip(i, 0, n - 1),
    "circular": lambda i, n: i % n,
}


def _from_inside(x, before, after, axis, mode):
    n = x.shape[axis]
    widest = {"reflect": n - 1, "circular": n}.get(mode, before + after + 1)
    if n == 0 or max(before, after) > widest:
        raise ValueError(
            f"pad: {mode} of {(before, after)} needs a longer axis than {n} of x {x.shape}"
        )
    index = _SOURCES[mode](np.arange(-before, n + after), n)
    return getitem(x, (slice(None),) * axis + (index,))
