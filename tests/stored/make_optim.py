"""Writes optim.npz: what PyTorch gets for optim_cases.py. Needs torch and NumPy alone.

python tests/stored/make_optim.py
"""

from pathlib import Path

import numpy as np
import torch
from optim_cases import (
    CLIPS,
    OPTIMIZERS,
    PLATEAUS,
    SCHEDULES,
    gradients,
    plateau,
    run,
    schedule,
    start,
)

FILE = Path(__file__).with_name("optim.npz")


def parameters(dtype):
    return [torch.tensor(p, dtype=dtype, requires_grad=True) for p in start()]


def steps(name, settings, dtype):
    params = parameters(dtype)
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.03}]

    def assign(grads):
        for p, g in zip(params, grads):
            p.grad = torch.from_numpy(g).to(dtype)

    optimizer = getattr(torch.optim, name)(groups, **settings)
    return run(optimizer, lambda: [p.detach().numpy() for p in params], assign)


def two_groups():
    one, other = (torch.zeros(1, requires_grad=True) for _ in range(2))
    return torch.optim.SGD([{"params": [one]}, {"params": [other], "lr": 0.4}], lr=0.1)


def clipped(max_norm, order):
    params = parameters(torch.float64)
    for p, g in zip(params, gradients(start(), 0)):
        p.grad = torch.from_numpy(g)
    norm = torch.nn.utils.clip_grad_norm_(params, max_norm, order)
    return np.concatenate([norm.numpy().ravel(), *(p.grad.numpy().ravel() for p in params)])


def main():
    torch.set_default_dtype(torch.float64)  # of NAdam's product
    stored = {}
    for i, (name, settings) in enumerate(OPTIMIZERS):
        for dtype in (torch.float64, torch.float32):
            bits = str(dtype)[-2:]
            stored[f"{name}{i}_{bits}"] = steps(name, settings, dtype)
    for i, chosen in enumerate(SCHEDULES):
        stored[f"schedule{i}"] = schedule(two_groups(), torch.optim.lr_scheduler, chosen)
    for i, settings in enumerate(PLATEAUS):
        stored[f"plateau{i}"] = plateau(two_groups(), torch.optim.lr_scheduler, settings)
    for i, settings in enumerate(CLIPS):
        stored[f"clip{i}"] = clipped(*settings)
    np.savez_compressed(FILE, **stored)
    print(f"{FILE.name}: {len(stored)} arrays, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
