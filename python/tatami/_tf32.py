"""Whether float32 products on a GPU may use its TF32 tensor cores."""

from collections.abc import Iterator
from contextlib import contextmanager

from . import _core


@contextmanager
def tf32(on: bool = True) -> Iterator[None]:
    """``with tatami.tf32(): ...`` lets this Python thread's float32 products on a GPU round.

    The factors of ``matmul``, ``linear`` and all convolutions and their gradients are rounded to
    TF32, which keeps 10 bits behind the point and float32's range; the sums are float32. An element
    is then off by about 2**-10 of the sum of its products' magnitudes, where float32 is by 2**-23.
    Whole numbers up to 2048 are kept. A gradient rounds only if it, too, is computed inside.
    Without it, and in recurrent layers, float32 is float32. It changes nothing on the CPU, for
    other dtypes, and on GPUs before compute capability 8.0, which have no such products.
    """
    before = _core.exchange_tf32(on)
    try:
        yield
    finally:
        _core.exchange_tf32(before)
