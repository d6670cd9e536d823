"""The one-shot avatar in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU:

    python benchmarks/reference/faces.py faces.npz
    python-with-torch benchmarks/reference/avatar.py faces.npz

Faces, networks, initial weights, optimizer, batches and epochs are those of tatami's recipe; the
code is PyTorch's.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F
from unet import UNet

SEEDS = (0, 1, 2)
POINTS, SIZE, WIDTH, EPOCHS, BATCH_SIZE = 12, 64, 16, 24, 16
WIDTHS = [64, 32, 16, 16]  # of the frame network at 4, 8, 16 and 32 pixels


def bilinear(x, scale):
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


class Avatar(nn.Module):
    def __init__(self):
        super().__init__()
        self.texture = UNet(3, 3, WIDTH)
        nn.init.zeros_(self.texture.last.weight)
        body, before = [], 3
        for k in range(4):
            body += [nn.Conv2d(before, WIDTH << k, 3, 2, 1), nn.ReLU()]
            before = WIDTH << k
        self.body = nn.Sequential(*body, nn.Flatten())
        seen = before * (SIZE // 16) ** 2 + 2 * POINTS
        self.code = nn.Sequential(nn.Linear(seen, 256), nn.ReLU(), nn.Linear(256, 2 * sum(WIDTHS)))
        self.first = nn.Linear(2 * POINTS, WIDTHS[0] * 16)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a + 3 * (4 << k == SIZE // 4), b, 3, padding=1)
            for k, (a, b) in enumerate(pairwise(WIDTHS), 1)
        )
        self.last = nn.Conv2d(WIDTHS[-1], 5, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        line = (torch.arange(SIZE) + 0.5) / SIZE * 2 - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("places", torch.stack([x, y], 2)[None])

    def forward(self, image, points, there):
        """The coarse layer and the fine one."""
        code = self.code(torch.cat([self.body(2 * image - 1), points.flatten(1)], 1))
        parts = code[:, :, None, None].split(2 * WIDTHS, 1)
        scales, shifts = parts[: len(WIDTHS)], parts[len(WIDTHS) :]
        glance = F.avg_pool2d(image, 4)
        texture = image - bilinear(glance, 4) + self.texture(image)

        x = self.first(there.flatten(1)).reshape(len(there), WIDTHS[0], 4, 4)
        x = F.relu(x * (1 + scales[0]) + shifts[0])
        for k, layer in enumerate(self.convolutions, 1):
            x = F.interpolate(x, scale_factor=2)
            x = torch.cat([x, glance], 1) if x.shape[2:] == glance.shape[2:] else x
            x = F.relu(layer(x) * (1 + scales[k]) + shifts[k])
        both = bilinear(self.last(x), 2)
        places = self.places + both[:, 3:].movedim(1, 3)
        coarse, fine = (
            F.grid_sample(layer, places, padding_mode="border", align_corners=False)
            for layer in (glance, texture)
        )
        return both[:, :3] + coarse, fine


def psnr(made, real):
    return -10 * (made - real).square().mean().log10()


def run(seed, train, test):
    torch.manual_seed(seed)
    model = Avatar()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(train[0])).split(BATCH_SIZE):
            *given, target = (part[rows] for part in train)
            coarse, fine = model(*given)
            blurred = F.l1_loss(F.avg_pool2d(coarse, 4), F.avg_pool2d(target, 4))
            optimizer.zero_grad()
            (F.l1_loss(coarse + fine, target) + blurred).backward()
            optimizer.step()
    *given, target = test
    with torch.no_grad():
        coarse, fine = model(*given)
    numbers = {}
    for name, made in (("coarse", coarse), ("both", coarse + fine)):
        made = made.clamp(0, 1)
        numbers |= {f"psnr_{name}": psnr(made, target), f"l1_{name}": F.l1_loss(made, target)}
    return numbers


if __name__ == "__main__":
    torch.set_num_threads(1)
    arrays = np.load(sys.argv[1])
    train, test = (
        [
            torch.from_numpy(arrays[f"{name}_{part}"])
            for name in ("image", "points", "there", "target")
        ]
        for part in ("train", "test")
    )
    runs = []
    for seed in SEEDS:
        runs.append(run(seed, train, test))
        print(seed, runs[-1], flush=True)
    path = Path(__file__).with_suffix(".json")
    print(record.write(path, SEEDS, runs, torch=torch.__version__))
