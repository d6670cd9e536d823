"""The diffusion model of the digits in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU, with NumPy and tatami (whose classifier judges) beside it:

    python benchmarks/reference/digits.py digits.npz
    python-with-torch benchmarks/reference/diffusion.py digits.npz

Network, schedule, optimizer, batches, epochs, average of the weights, steps and guidance of the
samples are those of tatami.models.Diffusion and its recipe; the code is PyTorch's.
"""

import copy
import math
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F

SEEDS = (0, 1, 2)
EPOCHS, BATCH_SIZE, RATE, DECAY, DROP, CLASSES, WIDTH = 60, 64, 2e-3, 0.999, 0.1, 10, 32
STEPS, SHOWN, GUIDANCE = 1000, 25, 1.5


class Residual(nn.Module):
    def __init__(self, c, d, hint):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c), nn.Conv2d(c, d, 3, padding=1)
        self.hint = nn.Linear(hint, d)
        self.norm2, self.conv2 = nn.GroupNorm(8, d), nn.Conv2d(d, d, 3, padding=1)
        self.shortcut = nn.Identity() if c == d else nn.Conv2d(c, d, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x, hint):
        y = self.conv1(F.silu(self.norm1(x))) + self.hint(hint)[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class Denoiser(nn.Module):
    def __init__(self, w=WIDTH, hint=4 * WIDTH):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(w, hint), nn.SiLU(), nn.Linear(hint, hint))
        self.label = nn.Embedding(CLASSES + 1, hint)
        self.first = nn.Conv2d(1, w, 3, padding=1)
        self.down = nn.ModuleList([Residual(w, w, hint), Residual(w, 2 * w, hint)])
        self.halve = nn.Conv2d(w, w, 3, 2, 1)
        self.middle = Residual(2 * w, 2 * w, hint)
        self.up = nn.ModuleList([Residual(3 * w, w, hint), Residual(4 * w, 2 * w, hint)])
        self.last = nn.Sequential(nn.GroupNorm(8, w), nn.SiLU(), nn.Conv2d(w, 1, 3, padding=1))
        nn.init.zeros_(self.last[-1].weight)

    def forward(self, x, t, y):
        half = WIDTH // 2
        angle = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        hint = F.silu(self.time(torch.cat([angle.sin(), angle.cos()], 1)) + self.label(y))
        high = self.down[0](self.first(x), hint)
        low = self.down[1](self.halve(high), hint)
        h = self.up[1](torch.cat([self.middle(low, hint), low], 1), hint)
        h = F.interpolate(h, scale_factor=2)
        return self.last(self.up[0](torch.cat([h, high], 1), hint))


def cosine_schedule():
    t = torch.arange(STEPS + 1, dtype=torch.float64) / STEPS
    share = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    b = (1 - share[1:] / share[:-1]).clamp(max=0.999)
    return torch.cat([torch.ones(1, dtype=torch.float64), (1 - b).cumprod(0)]).float()


def trained(x, y, a):
    network = Denoiser()
    average = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    updates = 0
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            picture, label = 2 * x[rows] - 1, y[rows].clone()
            label[torch.rand(len(rows)) < DROP] = CLASSES
            t = torch.randint(1, STEPS + 1, (len(rows),))
            noise = torch.randn_like(picture)
            share = a[t][:, None, None, None]
            told = network(share.sqrt() * picture + (1 - share).sqrt() * noise, t, label)
            optimizer.zero_grad()
            F.mse_loss(told, noise).backward()
            optimizer.step()
            decay = min(DECAY, updates / (updates + 10))
            updates += 1
            with torch.no_grad():
                for mean, p in zip(average.parameters(), network.parameters()):
                    mean.lerp_(p, 1 - decay)
    return average


@torch.no_grad()
def sampled(network, y, a):
    x = torch.randn(len(y), 1, 8, 8)
    times = torch.linspace(STEPS, 0, SHOWN + 1).round().long()
    for now, after in pairwise(times):
        t = now.expand(len(y))
        free = network(x, t, torch.full_like(y, CLASSES))
        noise = free + GUIDANCE * (network(x, t, y) - free)
        picture = ((x - (1 - a[now]).sqrt() * noise) / a[now].sqrt()).clamp(-1, 1)
        noise = (x - a[now].sqrt() * picture) / (1 - a[now]).sqrt()
        x = a[after].sqrt() * picture + (1 - a[after]).sqrt() * noise
    return (x.clamp(-1, 1) + 1) / 2


def run(seed, train, labels):
    """Samples of the labels by a model of the training images."""
    torch.manual_seed(seed)
    a = cosine_schedule()
    return sampled(trained(*train, a), labels, a).numpy()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from generative import judged

    torch.set_num_threads(1)
    arrays = np.load(sys.argv[1])
    train, test = ([arrays[f"{k}_{part}"] for k in "xy"] for part in ("train", "test"))
    runs = []
    for seed in SEEDS:
        made = run(seed, map(torch.from_numpy, train), torch.from_numpy(test[1]))
        runs.append(judged(made, train, test))
    path = Path(__file__).with_suffix(".json")
    print(record.write(path, SEEDS, runs, torch=torch.__version__))
