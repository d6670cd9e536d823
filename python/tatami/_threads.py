"""How many threads the kernels use. Results never depend on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from . import _core


def get_num_threads() -> int:
    """The number of threads that the kernels use."""
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Let the kernels use ``n >= 1`` threads from the next call on.

    The default is the number of processors that this process may use (affinity and cgroup quota);
    ``TATAMI_NUM_THREADS`` or ``OMP_NUM_THREADS`` override it.
    """
    _core.set_num_threads(n)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """``with tatami.threads(1): ...`` uses ``n`` threads for this Python thread's calls inside."""
    if n < 1:
        raise ValueError(f"threads: n must be at least 1, got {n}")
    before = _core.exchange_thread_override(n)
    try:
        yield
    finally:
        _core.exchange_thread_override(before)
