"""Whether convolutions may use minimal filtering."""

from collections.abc import Iterator
from contextlib import contextmanager

from . import _core


@contextmanager
def exact(on: bool = True) -> Iterator[None]:
    """``with tatami.exact(): ...`` keeps this Python thread's convolutions to products of each tap.

    Without it, float32 convolutions 4x4 with stride 2 of enough channels, and their gradients, take
    9 products where windows have 16 (minimal filtering, Winograd's F(2x2, 2x2)), chosen by the
    shape alone. Sums and differences of neighbouring pixels and weights round differently: errors
    stay within 8 times those of the plain way, and whole numbers come out the same. But an infinity
    may come out as NaN (and in a weight gradient reach one more tap), and numbers from a sixteenth
    of the largest on may overflow.
    ``exact=True`` does the same for one call of ``conv2d``, ``conv_transpose2d`` or a gradient.
    """
    before = _core.exchange_exact(on)
    try:
        yield
    finally:
        _core.exchange_exact(before)
