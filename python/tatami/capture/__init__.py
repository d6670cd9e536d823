"""Steps recorded once and replayed without Python."""

__all__ = ["jit"]


def __getattr__(name):
    if name != "jit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .jitted import jit

    return jit
