"""The random numbers of initial values, dropout and shuffling, from one seeded generator."""

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed):
    """Start the generator anew: the same seed gives the same weights, masks and batches."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator():
    """The ``numpy.random.Generator`` in use."""
    return _generator


def seed():
    """A fresh seed of 63 bits for a kernel that draws by counter."""
    return int(_generator.integers(1 << 63))


def get_state():
    """Where the generator stands, as a dict of numbers and strings."""
    return _generator.bit_generator.state


def set_state(state):
    """Go on from where :func:`get_state` was called."""
    _generator.bit_generator.state = state
