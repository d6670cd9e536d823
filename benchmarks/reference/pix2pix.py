"""The pix2pix of the recipe in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU, with NumPy and tatami (whose example judges) beside it:

    python benchmarks/reference/photographs.py photographs.npz
    python-with-torch benchmarks/reference/pix2pix.py photographs.npz

Data, networks, initial weights, optimizers, batches and epochs are those of
tatami.generate.recipes.pix2pix; the code is PyTorch's.
"""

import sys
from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F

SEEDS = (0, 1, 2)
DEPTH, WIDTH, EPOCHS, BATCH_SIZE = 6, 16, 16, 4


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [WIDTH * min(1 << level, 8) for level in range(DEPTH)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for k, (before, c) in enumerate(zip([1, *widths], widths)):
            layers = [nn.LeakyReLU(0.2)] if k else []
            layers += [nn.Conv2d(before, c, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(c)] if 0 < k < DEPTH - 1 else []
            self.down.append(nn.Sequential(*layers))
        for k in reversed(range(DEPTH)):
            before = widths[k] * (1 if k == DEPTH - 1 else 2)
            c = widths[k - 1] if k else 3
            layers = [nn.ReLU(), nn.ConvTranspose2d(before, c, 4, 2, 1, bias=k == 0)]
            layers += [nn.BatchNorm2d(c)] if k else [nn.Tanh()]
            layers += [nn.Dropout(0.5)] if k > 4 else []
            self.up.append(nn.Sequential(*layers))

    def forward(self, x):
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        x = self.up[0](levels.pop())
        for up in self.up[1:]:
            x = up(torch.cat([x, levels.pop()], 1))
        return x


def critic():
    w = WIDTH
    return nn.Sequential(
        nn.Conv2d(4, w, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(w, 2 * w, 4, 1, 1, bias=False),
        nn.BatchNorm2d(2 * w),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * w, 1, 4, 1, 1),
    )


def small(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, std=0.02)


def trained(x, y, against):
    """A generator, taught with a discriminator (``against``) or by the L1 distance alone."""
    x, y = 2 * x - 1, 2 * y - 1
    made_by, told_by = Generator().apply(small), critic().apply(small)
    g, d = (torch.optim.Adam(m.parameters(), 1e-3, (0.5, 0.999)) for m in (made_by, told_by))
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            made = made_by(x[rows])
            loss = F.l1_loss(made, y[rows])
            if against:
                real = told_by(torch.cat([x[rows], y[rows]], 1))
                fake = told_by(torch.cat([x[rows], made.detach()], 1))
                d.zero_grad()
                ((F.softplus(-real).mean() + F.softplus(fake).mean()) / 2).backward()
                d.step()
                score = told_by(torch.cat([x[rows], made], 1))
                loss = F.softplus(-score).mean() + 100 * loss
            g.zero_grad()
            loss.backward()
            g.step()
    return made_by.eval()


def run(seed, data, judged):
    numbers = {}
    for name, against in (("l1_alone", False), ("with_critic", True)):
        torch.manual_seed(seed)
        model = trained(data["edges"], data["photographs"], against)
        with torch.no_grad():
            made = (model(2 * data["edges_test"] - 1).numpy() + 1) / 2
        found = judged(made, data["photographs_test"].numpy())
        numbers |= {f"{name}_{key}": value for key, value in found.items()}
    return numbers


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "python"))
    from tatami.examples.pix2pix import judged

    torch.set_num_threads(1)
    data = {name: torch.from_numpy(array) for name, array in np.load(sys.argv[1]).items()}
    runs = [run(seed, data, judged) for seed in SEEDS]
    path = Path(__file__).with_suffix(".json")
    print(record.write(path, SEEDS, runs, torch=torch.__version__))
