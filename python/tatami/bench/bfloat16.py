"""Other operations on bfloat16 arrays: half of the bytes, sums in float32."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np

from .operation import Operation


@dataclass(frozen=True)
class Bfloat16(Operation):
    """Operation ``of``, of the same numbers rounded to bfloat16. NumPy, which has no such numbers,
    computes with them in float32.
    """

    of: Operation
    family = "bfloat16"
    width = 0.5
    tolerance = 0.02

    @property
    def kernel(self):
        return self.of.kernel

    @property
    def flops(self):
        return self.of.flops

    @property
    def training(self):
        return getattr(self.of, "training", False)

    def inputs(self, rng):
        return {key: rounded(array) for key, array in self.of.inputs(rng).items()}

    def tatami(self, kernels, **inputs):
        bfloat16 = importlib.import_module("ml_dtypes").bfloat16
        return self.of.tatami(kernels, **{k: a.astype(bfloat16) for k, a in inputs.items()})

    def numpy(self, **inputs):
        return self.of.numpy(**inputs)

    def torch(self, torch, **inputs):
        return self.of.torch(torch, **{k: a.to(torch.bfloat16) for k, a in inputs.items()})


def widened(array):
    """As float32, where NumPy knows no more of it than its bytes."""
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def rounded(array):
    """To bfloat16, to nearest even, as float32."""
    bits = array.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
