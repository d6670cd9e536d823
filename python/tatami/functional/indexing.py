"""Choosing elements. Getting and putting back (adding up) are each other's derivatives."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import kernels as K
from .._device import device_of, moved
from ..autograd import Op, Tensor
from ..autograd.tensor import array_of
from .arithmetic import add
from .shape import axes_of, broadcast_to

_getitem = Op(
    lambda x, index: x[index],
    lambda g, _y, _x, index: _put(g, index=index, shape=_x.shape),
    name="getitem",
    view=True,
)


def _put_raw(values, index, shape):
    """Zeros of ``shape`` with ``values`` added at ``index``; places named twice get both."""
    if _names_rows(index, values):
        index = moved(index, device_of(values))
        rows = np.where(index < 0, index + shape[0], index)
        table = (shape[0], values.size // max(index.size, 1))
        return K.embedding_grad(values.reshape(*index.shape, -1), rows, table).reshape(shape)
    y = np.zeros_like(values, shape=shape)
    if _names_once(index):
        y[index] = values
    else:
        np.add.at(y, index, values)
    return y


def _names_rows(index, values):
    """An array of row numbers, for which there is a kernel."""
    integers = getattr(index, "ndim", 0) > 0 and index.dtype.kind in "iu"
    return integers and not isinstance(values, Tensor) and values.size > 0


def _names_once(index):
    """Slices, integers and masks name no place twice; arrays of integers may."""
    entries = index if isinstance(index, tuple) else (index,)
    return not any(getattr(e, "ndim", 0) and e.dtype.kind in "iu" for e in entries)


_put = Op(_put_raw, lambda gg, _y, _g, index, shape: getitem(gg, index), name="put")


def plain_index(index):
    """An index with arrays for tensors and lists."""
    if isinstance(index, tuple):
        return tuple(plain_index(entry) for entry in index)
    if isinstance(index, list):
        return np.asarray(index, None if index else np.int64)
    return array_of(index)


def getitem(x, index):
    """``x[index]``: integers, slices, None, Ellipsis, masks and arrays of integers, as in NumPy.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[:, 0]
    Tensor([1., 3.], float32)
    """
    return _getitem(x, index=plain_index(index))


def _along(name, x, indices, axis):
    """The index of ``x`` at ``indices`` along ``axis``, at their own places along the others."""
    if indices.ndim != x.ndim or indices.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: indices must hold integers and have the {x.ndim} axes of x {x.shape}, "
            f"not {indices.dtype} and shape {indices.shape}"
        )
    places = list(np.indices(indices.shape, sparse=True))
    places[normalize_axis_index(axis, x.ndim, name)] = indices
    return tuple(places)


def take_along_axis(x, indices, axis):
    """``x`` at ``indices`` along ``axis`` (NumPy's): the two broadcast along the other axes."""
    indices = array_of(indices)
    if indices.ndim == x.ndim:
        axis = normalize_axis_index(axis, x.ndim, "take_along_axis")
        try:
            others = np.broadcast_shapes(_without(x.shape, axis), _without(indices.shape, axis))
        except ValueError:
            raise ValueError(
                f"take_along_axis: x {x.shape} and indices {indices.shape} do not broadcast along "
                f"the axes other than {axis}"
            ) from None
        indices = np.broadcast_to(indices, _with(others, axis, indices.shape[axis]))
        x = broadcast_to(x, _with(others, axis, x.shape[axis]))
    return getitem(x, _along("take_along_axis", x, indices, axis))


def _without(shape, axis):
    return tuple(1 if k == axis else n for k, n in enumerate(shape))


def _with(shape, axis, size):
    return tuple(size if k == axis else n for k, n in enumerate(shape))


def gather(x, axis, index):
    """``x`` at ``index`` along ``axis``, PyTorch's: the result has the shape of ``index``.

    Along the other axes ``index`` (..., K, ...) may be shorter than ``x``:
    ``y[i, j] = x[index[i, j], j]`` for axis 0.
    """
    return getitem(x, _along("gather", x, array_of(index), axis))


def scatter_add(x, axis, index, src):
    """``x`` with ``src`` added at ``index`` along ``axis``, PyTorch's; shapes as in :func:`gather`.

    ``y[index[i, j], j] += src[i, j]`` for axis 0; places named twice get both.
    """
    index = array_of(index)
    if index.shape != src.shape:
        raise ValueError(f"scatter_add: index {index.shape} and src {src.shape} differ in shape")
    places = _along("scatter_add", x, index, axis)
    return add(x, _put(src, index=places, shape=x.shape))


def sort(x, axis=-1, descending=False):
    """``x`` in order along ``axis``, and where its elements came from: values, indices (int64).

    Equal elements keep their order; NaN counts as largest.
    """
    keys, axis = array_of(x), normalize_axis_index(axis, x.ndim, "sort")
    if descending:  # in reverse twice: equal elements keep their order
        order = np.flip(np.argsort(np.flip(keys, axis), axis, kind="stable"), axis)
        order = keys.shape[axis] - 1 - order
    else:
        order = np.argsort(keys, axis, kind="stable")
    return take_along_axis(x, order, axis), order


def flip(x, axis=None):
    """The elements in reverse order along ``axis`` (an int, a tuple, or None for all)."""
    axes = axes_of(x, axis, "flip")
    return getitem(x, tuple(np.s_[::-1] if k in axes else np.s_[:] for k in range(x.ndim)))
