"""Writes functional.npz: what PyTorch gets for functional_cases.py. Needs torch and NumPy alone.

python tests/stored/make_functional.py
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as TF
from functional_cases import CASES, arguments, weights
from torch.nn.attention import SDPBackend, sdpa_kernel

FILE = Path(__file__).with_name("functional.npz")


def _tensors(value):
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


class Spelled:
    """The names of tatami.functional with PyTorch behind them."""

    def __getattr__(self, name):
        f = getattr(type(self), f"_{name}", None) or getattr(TF, name, None)
        f = f or getattr(torch, name)
        return lambda *args, **settings: f(
            *map(_tensors, args), **{k: _tensors(v) for k, v in settings.items()}
        )

    def _upsample2d(x, scale, mode="nearest"):
        return TF.interpolate(x, scale_factor=scale, mode=mode)

    def _rms_norm(x, normalized_shape, weight=None, eps=1e-5):
        return TF.rms_norm(x, normalized_shape, weight, eps)

    def _hinge_loss(x, target, reduction):
        terms = TF.relu(1 - target * x)
        return terms if reduction == "none" else getattr(terms, reduction)()


def results(case):
    """Values, first and second derivatives, flattened behind each other."""
    xs = [torch.from_numpy(x).requires_grad_() for x in arguments(case)]
    y = case[1](Spelled(), *xs)
    ys = list(y) if isinstance(y, tuple) else [y]
    vs = [torch.from_numpy(np.asarray(v)).requires_grad_() for v in weights(case, ys)]
    first = torch.autograd.grad(ys, xs, vs, create_graph=True)
    us = [torch.from_numpy(u) for u in weights(case, first)]
    total = sum((u * g).sum() for u, g in zip(us, first, strict=True))
    second = torch.autograd.grad(total, [*xs, *vs], allow_unused=True)
    second = [torch.zeros_like(x) if g is None else g for g, x in zip(second, [*xs, *vs])]
    return torch.cat([t.detach().reshape(-1) for t in (*ys, *first, *second)]).numpy()


def every_result():
    with sdpa_kernel(SDPBackend.MATH):  # the others refuse a second derivative
        return {case[0]: results(case) for case in CASES}


if __name__ == "__main__":
    np.savez_compressed(FILE, **every_result())
    print(f"{len(CASES)} cases, {FILE.stat().st_size} bytes")
