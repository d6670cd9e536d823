"""Whether convolutions may use minimal filtering."""

from collections.abc import Iterator
from contextlib import contextmanager

from . import _core


@contextmanager
def exact(on: bool = True) -> Iterator[None]:
    """``with tatami.exact(): ...`` keeps this Python thread's convolutions to products of each tap.

    Without it, float32 convolutions of enough channels, and their gradients, take fewer products
    than their windows have taps (minimal filtering), chosen by the shape alone: 9 for 16 where
    windows are 4x4 with stride 2 (Winograd's F(2x2, 2x2)), 1 for 4 where they are 3x3 with stride 1
    (F(4x4, 3x3), or F(2x2, 3x3) with 4 for 9 on small images). Sums of neighbouring pixels and
    weights round differently: errors stay within 8 times those of the plain way. Whole numbers come
    out the same from 4x4 windows, from 3x3 ones they do not, whose factors are thirds. An infinity
    or NaN reaches, with 3x3, all of its tile of 4x4 results; an infinity may come out as NaN (and
    in a weight gradient reach one more tap, with 3x3 all); and sums may overflow from a sixteenth
    (4x4) or a 20,000th (3x3) of the largest number on.
    ``exact=True`` does the same for one call of ``conv2d``, ``conv_transpose2d`` or a gradient.
    """
    before = _core.exchange_exact(on)
    try:
        yield
    finally:
        _core.exchange_exact(before)
