"""The random numbers of initial values, dropout and shuffling, from one seeded generator."""

import numpy as np

from . import _core
from .capture.live import live

_generator = np.random.default_rng()


def manual_seed(seed):
    """Start the generator anew: the same seed gives the same weights, masks and batches."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator():
    """The ``numpy.random.Generator`` in use."""
    return _generator if _core.recording() is None else _Recorded()


def seed():
    """A fresh seed of 63 bits for a kernel that draws by counter."""
    recording = _core.recording()
    return _drawn() if recording is None else recording.seed(_drawn)


def _drawn():
    return int(_generator.integers(1 << 63))


def get_state():
    """Where the generator stands, as a dict of numbers and strings."""
    state = {}
    _read_state(state)
    return state


@live
def set_state(state):
    """Go on from where :func:`get_state` was called."""
    _generator.bit_generator.state = state


@live
def _read_state(state):
    state.update(_generator.bit_generator.state)


class _Recorded:
    """The generator in a step that is being recorded: every replay draws anew."""

    def __getattr__(self, name):
        from .capture.traced import call

        def draw(*args, **kwargs):
            return getattr(_generator, name)(*args, **kwargs)

        draw.__name__ = name
        return lambda *args, **kwargs: call(draw, args, kwargs)
