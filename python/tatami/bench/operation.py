"""What the benchmark knows of an operation: inputs, cost and how each library computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

Arrays = tuple[Any, ...]
Call = Callable[[], Any]
BLOCK = 1 << 15  # elements: of so many, NumPy's passes stay in the caches


class Node(NamedTuple):
    """Of an ONNX graph."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = {}  # noqa: RUF012


class Operation:
    """Base of all operations; a subclass is a frozen dataclass whose fields are its sizes.

    `tatami`, `numpy` and `torch` each take the inputs by name and return the call to be timed,
    which gives the same tuple of arrays in every library. What a library can prepare once outside
    the call (contiguous weights, modules, output buffers), it does there.
    """

    family: ClassVar[str]
    peers: tuple[str, ...] = ("torch",)  # beside NumPy
    kernel: str  # its name in tatami.kernels
    flops: float = 0  # additions and multiplications of the direct method
    width: float = 1  # of an element, in float32's
    tolerance: float = 1e-4  # of the largest value: rounding stays below, a wrong index does not

    def inputs(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def tatami(self, kernels, **inputs: np.ndarray) -> Call:
        raise NotImplementedError

    def numpy(self, **inputs: np.ndarray) -> Call:
        raise NotImplementedError

    def torch(self, torch, **inputs: Any) -> Call:
        raise NotImplementedError

    def onnx(self, **inputs: np.ndarray) -> tuple[list[Node], dict[str, np.ndarray]]:
        """A graph that ends in "y", and what of it is constant; of inference alone."""
        raise NotImplementedError


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


def uniform(rng: np.random.Generator, bound: float, *shape: int) -> np.ndarray:
    return (rng.random(shape, dtype=np.float32) * 2 - 1) * np.float32(bound)


def outputs(result: Any) -> Arrays:
    """The arrays of a call's result."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)
