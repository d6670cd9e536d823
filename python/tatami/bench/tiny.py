"""Calls on arrays so small that only the call itself costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import Operation


@dataclass(frozen=True)
class TinyRelu(Operation):
    """relu of 8 floats, against the cheapest call that NumPy has.

    The inputs are positive, so np.positive gives the same result as relu.
    """

    family = "tiny calls"
    kernel = "relu"

    def inputs(self, rng):
        return {"x": rng.random(8, dtype=np.float32)}

    def tatami(self, kernels, x):
        relu = kernels.relu
        return lambda: relu(x)

    def numpy(self, x):
        positive = np.positive
        return lambda: positive(x)

    def torch(self, torch, x):
        relu = torch.relu
        return lambda: relu(x)


@dataclass(frozen=True)
class TinyMatmul(Operation):
    """A product of 4x4 matrices, against NumPy's own."""

    family = "tiny calls"
    kernel = "matmul"

    def inputs(self, rng):
        return {name: rng.random((4, 4), dtype=np.float32) for name in ("a", "b")}

    def tatami(self, kernels, a, b):
        matmul = kernels.matmul
        return lambda: matmul(a, b)

    def numpy(self, a, b):
        matmul = np.matmul
        return lambda: matmul(a, b)

    def torch(self, torch, a, b):
        matmul = torch.matmul
        return lambda: matmul(a, b)
