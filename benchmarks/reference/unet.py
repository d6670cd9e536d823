"""The U-Nets of the example in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU:

    python benchmarks/reference/photographs.py photographs.npz
    python-with-torch benchmarks/reference/unet.py photographs.npz

Data, network, initial weights, optimizer, batches and epochs are those of tatami.examples.unet; the
code is PyTorch's.
"""

import sys
from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F

SEEDS = (0, 1, 2, 3, 4)
DEPTH, WIDTH = 3, 8


def two(c, d):
    convolutions = nn.Conv2d(c, d, 3, padding=1), nn.Conv2d(d, d, 3, padding=1)
    for convolution in convolutions:
        nn.init.kaiming_normal_(convolution.weight)
    return nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU())


class UNet(nn.Module):
    def __init__(self, inputs, outputs, width):
        super().__init__()
        widths = [width << level for level in range(DEPTH)]
        self.first = two(inputs, width)
        self.down = nn.ModuleList(two(c, 2 * c) for c in widths)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, 2) for c in widths[::-1])
        self.join = nn.ModuleList(two(2 * c, c) for c in widths[::-1])
        self.last = nn.Conv2d(width, outputs, 1)

    def forward(self, x):
        height, width = x.shape[2:]
        multiple = 2**DEPTH
        x = F.pad(x, (0, -width % multiple, 0, -height % multiple), "replicate")
        levels = [self.first(x)]
        for down in self.down:
            levels.append(down(F.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([levels.pop(), up(x)], 1))
        return self.last(x)[:, :, :height, :width]


def trained(x, y, loss, rate, batch_size, epochs):
    model = UNet(1, y.shape[1], WIDTH)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model


def grey(x):
    return (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def run(seed, data):
    torch.manual_seed(seed)
    loss = F.binary_cross_entropy_with_logits
    model = trained(data["x"], data["masks"].float(), loss, 3e-3, 16, 20)
    with torch.no_grad():
        found = model(data["x_test"]) > 0
    both, either = ((f(found, data["masks_test"])).sum((1, 2, 3)) for f in (AND, OR))
    numbers = {"overlap": (both / either).mean()}
    torch.manual_seed(seed)
    model = trained(data["grey"], data["added"], F.l1_loss, 2e-3, 32, 12)
    for name in ("chelsea", "coffee"):
        x = data[name]
        with torch.no_grad():
            coloured = (grey(x) + model(grey(x))).clamp(0, 1)
        numbers[f"{name}_l1"] = (coloured - x).abs().mean()
    return numbers


AND, OR = torch.logical_and, torch.logical_or

if __name__ == "__main__":
    torch.set_num_threads(1)
    data = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[1]).items()}
    runs = [run(seed, data) for seed in SEEDS]
    path = Path(__file__).with_suffix(".json")
    print(record.write(path, SEEDS, runs, torch=torch.__version__))
