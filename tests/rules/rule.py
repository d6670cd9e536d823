"""One derivative: a forward function and the functions that give its gradients."""

from collections.abc import Callable
from dataclasses import dataclass


def tupled(value):
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True)
class Rule:
    name: str
    forward: Callable
    backward: Callable
    arrays: Callable  # arrays(source) -> list, differentiable ones first
    linear: tuple[int, ...] = ()  # arguments in which forward is linear (no bias): exact adjoint
    uses: tuple[str, ...] = ()  # the public functions that it tests
