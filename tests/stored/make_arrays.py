"""Writes arrays.npz: what PyTorch gets for array_cases.py. Needs torch and NumPy alone.

python tests/stored/make_arrays.py
"""

from pathlib import Path

import torch
import torch.nn.functional as TF
from array_cases import CASES
from functional_cases import save
from make_functional import Spelled, results

FILE = Path(__file__).with_name("arrays.npz")


class Arrays(Spelled):
    """Array functions where PyTorch has another name for them."""

    _pad = TF.pad
    _max = torch.amax
    _min = torch.amin
    _norm = torch.linalg.vector_norm
    _take_along_axis = torch.take_along_dim

    def __getattr__(self, name):
        wrapped = {"concatenate", "stack", "einsum"}  # they take sequences or a string first
        return getattr(torch, name) if name in wrapped else super().__getattr__(name)


def every_result():
    torch.set_default_dtype(torch.float64)
    return {case[0]: results(case, Arrays()) for case in CASES}


if __name__ == "__main__":
    save(FILE, every_result())
    print(f"{len(CASES)} cases, {FILE.stat().st_size} bytes")
