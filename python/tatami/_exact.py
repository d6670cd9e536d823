"""Whether convolutions may use minimal filtering."""

from collections.abc import Iterator
from contextlib import contextmanager

from . import _core


@contextmanager
def exact(on: bool = True) -> Iterator[None]:
    """``with tatami.exact(): ...`` keeps this Python thread's convolutions to products of each tap.

    Without it, float32 convolutions of enough channels, and their gradients, take fewer products
    than their windows have taps (minimal filtering), chosen by the shape alone. With stride 1: 1
    for 4 where windows are 3x3 (Winograd's F(4x4, 3x3), or F(2x2, 3x3) with 4 for 9 on small
    images), 9 for 25 where they are 5x5 (F(2x2, 5x5)). With stride 2: 25 for 64 where they are 4x4
    (F(4x4, 2x2), with F(3x3, 2x2) beside it where that fits, or F(2x2, 2x2) with 9 for 16), 9 for
    16 where they are 3x3.
    Sums of neighbouring pixels and weights round differently: errors stay within 8 times those of
    the plain way. Whole numbers do not come out as such, as some factors are thirds. An infinity or
    NaN reaches all of its tile of 4x4 results (8x8 in an input gradient with stride 2) and all taps
    of a weight gradient; an infinity may come out as NaN; and sums may overflow from a 5,000th
    (stride 2) or a 20,000th (stride 1) of the largest number on.
    ``exact=True`` does the same for one call of ``conv2d``, ``conv_transpose2d`` or a gradient.
    """
    before = _core.exchange_exact(on)
    try:
        yield
    finally:
        _core.exchange_exact(before)
