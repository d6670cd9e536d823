"""Where layers get their parameters from: memory to be filled, or shapes alone."""

import threading
from contextlib import contextmanager

import numpy as np

from .module import Buffer, Parameter


class _State(threading.local):
    left = None  # how many more shapes without memory may be made; None: make real arrays


_state = _State()


@contextmanager
def shapes_only(count):
    """Parameters made inside have a shape but no memory, and there may be ``count`` of them.

    A file that is not trusted can so ask for any size: nothing is allocated until its arrays
    have turned out to fit.
    """
    _state.left = count
    try:
        yield
    finally:
        _state.left = None


def has_memory():
    """False inside of :func:`shapes_only`: there is nothing to write initial values to."""
    return _state.left is None


def parameter(*shape):
    """A parameter of that shape, its values still to be drawn."""
    return Parameter(_array(np.empty, shape, np.float32))


def buffer(value, *shape, dtype=np.float32):
    """A buffer of that shape, filled with ``value``."""
    return Buffer(_array(lambda shape, dtype: np.full(shape, value, dtype), shape, dtype))


def _array(make, shape, dtype):
    for n in shape:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise ValueError(f"sizes of a layer must be whole numbers >= 0, not {n!r}")
    if has_memory():
        return make(shape, dtype)
    if not _state.left:
        raise ValueError("the layers have more parameters than there are arrays")
    _state.left -= 1
    return np.broadcast_to(np.zeros((), dtype), shape)
