"""What the tests share: the one error bound, odd layouts, guarded buffers, tuples of results."""

import contextlib
import resource

import numpy as np

# Rounding errors stay below C eps |a| op |b|, for every kernel and both dtypes.
C = 16


def tupled(value):
    return value if isinstance(value, tuple) else (value,)


def cast(arrays, dtype):
    """Float arrays as dtype; indices, masks, numbers and None as they are."""
    return [a.astype(dtype) if is_float(a) else a for a in arrays]


def fresh(a):
    """A copy for a function that works in place, which wants its arrays in C order."""
    return np.array(a, a.dtype.newbyteorder("="), order="C") if isinstance(a, np.ndarray) else a


def is_float(a):
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def assert_close(y, reference, bound, label=""):
    """|y - reference| <= C eps(T) bound; NaN, infinities, indices and masks are just equal."""
    y, reference = np.asarray(y), np.asarray(reference)
    assert y.shape == reference.shape, f"{label}: shape {y.shape} instead of {reference.shape}"
    if y.dtype.kind != "f":
        return assert_same_bits(y, reference, label)
    finite = np.isfinite(reference)
    np.testing.assert_array_equal(y[~finite], reference[~finite].astype(y.dtype), label)
    error = np.abs(y.astype(np.float64) - reference)[finite]
    allowed = np.broadcast_to(np.abs(bound), reference.shape)[finite]
    allowed = C * np.finfo(y.dtype).eps * allowed + np.finfo(y.dtype).tiny
    # a NaN in y is not below anything
    bad = ~(error <= allowed)
    if bad.any():
        worst = np.nanargmax(np.where(np.isnan(error), np.inf, error / allowed))
        raise AssertionError(
            f"{label}: {bad.sum()} of {bad.size} elements are off by more than C eps bound; worst: "
            f"{y[finite][worst]} instead of {reference[finite][worst]}, {y.dtype}, "
            f"{C * error[worst] / allowed[worst]:.1f} eps bound (C = {C})"
        )


def assert_same_bits(y, expected, label=""):
    """Equal shape, dtype and every bit (NaNs of any payload count as one)."""
    y, expected = np.asarray(y), np.asarray(expected)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype), label
    same = np.array_equal(y, expected, equal_nan=y.dtype.kind == "f")
    if same and y.dtype.kind == "f":
        numbers = ~np.isnan(y)
        same = np.array_equal(np.signbit(y[numbers]), np.signbit(expected[numbers]))
    assert same, f"{label}: {np.sum(y != expected)} of {y.size} elements differ"


def _inside(x, offset):
    """A copy of x that starts `offset` bytes after an aligned address, NaN all around it."""
    room = np.full(x.nbytes + 256, 0xFF, np.uint8)
    start = -room.ctypes.data % 64 + offset
    view = room[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def _fortran(x):
    return np.array(x, order="F")


def _reversed(x):
    if x.ndim == 0:
        return x
    whole = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[whole])[whole]


def _every_third(x):
    if x.ndim == 0:
        return x
    wide = np.full((*x.shape[:-1], 3 * x.shape[-1]), np.nan if is_float(x) else 1).astype(x.dtype)
    wide[..., 1::3] = x
    return wide[..., 1::3]


def _padded_rows(x):
    if x.ndim == 0:
        return x
    wide = np.full((*x.shape[:-1], x.shape[-1] + 3), np.nan if is_float(x) else 1).astype(x.dtype)
    wide[..., 2:-1] = x
    return wide[..., 2:-1]


def _swapped_axes(x):
    return np.ascontiguousarray(x.swapaxes(0, -1)).swapaxes(0, -1) if x.ndim > 1 else x


def _swapped_bytes(x):
    return x.astype(x.dtype.newbyteorder(">"))


def _read_only(x):
    y = x.copy()
    y.flags.writeable = False
    return y


# Every layout holds the same numbers as its argument.
LAYOUTS = {
    "contiguous in poisoned memory": lambda x: _inside(x, 0),
    "unaligned": lambda x: _inside(x, 1),
    "aligned to its items only": lambda x: _inside(x, x.itemsize),
    "Fortran order": _fortran,
    "negative strides": _reversed,
    "every third element": _every_third,
    "padded rows": _padded_rows,
    "swapped axes": _swapped_axes,
    "big endian": _swapped_bytes,
    "read-only": _read_only,
}


@contextlib.contextmanager
def guarded(shape, dtype):
    """An uninitialised-looking (NaN) array whose neighbours must not change."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.full(size + 256, 0xFF, np.uint8)
    start = -room.ctypes.data % 64 + 64
    yield room[start : start + size].view(dtype).reshape(shape)
    assert (room[:start] == 0xFF).all(), "written before the start of out"
    assert (room[start + size :] == 0xFF).all(), "written behind the end of out"


def poison(outputs):
    """NaN (or all ones) into pooled results that are about to be freed and reused."""
    for y in outputs:
        if isinstance(y, np.ndarray) and y.flags.writeable:
            y[...] = np.nan if is_float(y) else -1 if y.dtype.kind == "i" else True


def peak_memory():
    """The most bytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_memory():
    """Bytes that this process holds now."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()
