"""The examples' autoencoders in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU, with tatami, which judges, and scikit-learn beside it:

    python-with-torch benchmarks/reference/autoencoder.py

Networks, optimizer, schedule, batches, epochs and noise are those of tatami.examples.autoencoder,
denoising and anomaly; the code is PyTorch's.
"""

import sys
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import record
import torch
from torch import nn
from torch.nn import functional as F

SEEDS = (0, 1, 2)
BATCH_SIZE = 32


class Layers(nn.Sequential):
    @torch.no_grad()
    def predict(self, x):
        return self(torch.from_numpy(x)).numpy()


def autoencoder(hidden, k):
    """64 pixels to k codes and back, through ``hidden`` units of ReLU where there are any."""
    sizes = [64, *hidden, k]
    down = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    up = [nn.Linear(b, a) for a, b in pairwise(sizes)][::-1]
    down, up = ([m for layer in part for m in (layer, nn.ReLU())][:-1] for part in (down, up))
    parts = {"encoder": Layers(nn.Flatten(), *down), "decoder": Layers(*up)}
    return Layers(OrderedDict(parts, back=nn.Unflatten(1, (1, 8, 8))))


def trained(hidden, k, x, epochs, lr, noise=0.0):
    model = autoencoder(hidden, k)
    x = torch.from_numpy(x)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    steps = epochs * -(-len(x) // BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            batch = x[rows]
            seen = batch + noise * torch.randn_like(batch) if noise else batch
            optimizer.zero_grad()
            F.mse_loss(model(seen), batch).backward()
            optimizer.step()
            schedule.step()
    return model


def run(seed):
    torch.manual_seed(seed)
    return judged(
        lambda x, k: trained((), k, x, 200, 0.02),
        lambda x, k: trained((256,), k, x, 100, 3e-3),
        lambda x: trained((256,), 32, x, 100, 2e-3, noise=0.25),
        lambda x: trained((256,), 8, x, 60, 3e-3),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from autoencoders import judged

    torch.set_num_threads(1)
    path = Path(__file__).with_suffix(".json")
    print(record.write(path, SEEDS, [run(seed) for seed in SEEDS], torch=torch.__version__))
