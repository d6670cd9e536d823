"""One derivative: a forward function and the functions that give its gradients."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    name: str
    forward: Callable
    backward: Callable
    arrays: Callable  # arrays(source) -> list, differentiable ones first
    linear: tuple[int, ...] = ()  # arguments in which forward is linear (no bias)
    exact: bool = True  # whole numbers stay whole: <gy, A x> == <A^T gy, x> to the last bit
    uses: tuple[str, ...] = ()  # the public functions that it tests
