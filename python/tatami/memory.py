"""The pool that results live in: freed arrays are reused, so no call pays for fresh pages."""

from . import _core

__all__ = ["release", "set_limit", "stats"]


def stats() -> dict[str, int]:
    """Bytes ``in_use``, ``cached``, their ``peak`` and the ``limit``; ``hits`` and ``misses``."""
    return _core.memory_stats()


def release() -> None:
    """Give every cached block back to the system. Arrays in use are not touched."""
    _core.memory_release()


def set_limit(limit: int) -> None:
    """Keep at most ``limit`` bytes cached (0 keeps none)."""
    _core.memory_set_limit(limit)
