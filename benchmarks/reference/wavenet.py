"""WaveNet in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU, with NumPy and tatami (which makes the sounds, and draws from
PyTorch's weights) beside it:

    python-with-torch benchmarks/reference/wavenet.py

Network, optimizer, batches and epochs are those of tatami.models.WaveNet and its recipe; the code
is PyTorch's.
"""

from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F

from tatami.examples.wavenet import asked
from tatami.generate import recipes, sounds
from tatami.models import mu_law_encode

SEEDS = (0, 1, 2)
RATE, CHANNELS, SKIP, CLASSES = 2e-3, 24, 64, 7
recipe = recipes.recipe("wavenet")


class WaveNet(nn.Module):
    def __init__(self, dilations, c=CHANNELS, skip=SKIP):
        super().__init__()
        layers = len(dilations)
        self.first = nn.Embedding(256, c)
        self.gates = nn.ModuleList(nn.Conv1d(c, 2 * c, 2, dilation=d) for d in dilations)
        self.residual = nn.ModuleList(nn.Conv1d(c, c, 1) for _ in dilations[1:])
        self.skip = nn.Conv1d(layers * c, skip, 1)
        self.middle, self.last = nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, 256, 1)
        self.voice = nn.Embedding(CLASSES, layers * 2 * c)
        nn.init.normal_(self.voice.weight, std=0.5)
        angle = torch.linspace(-1, 1, 256)[:, None] * torch.pi / 2 * torch.arange(1, c // 2 + 1)
        self.first.weight.data = torch.cat([angle.sin(), angle.cos()], 1)

    def forward(self, levels, label):
        h = self.first(levels).transpose(1, 2)
        z = []
        for k, voice in enumerate(self.voice(label).chunk(len(self.gates), 1)):
            gates = self.gates[k]
            a = gates(F.pad(h, (gates.dilation[0], 0))) + voice[:, :, None]
            signal, gate = a.chunk(2, 1)
            z.append(signal.tanh() * gate.sigmoid())
            if k < len(self.residual):
                h = h + self.residual[k](z[-1])
        return self.last(self.middle(self.skip(torch.cat(z, 1)).relu()).relu())


def loss(network, x, y):
    levels = torch.from_numpy(mu_law_encode(x))
    past = F.pad(levels[:, :-1], (1, 0), value=128)
    return F.cross_entropy(network(past, torch.from_numpy(y)), levels)


def trained(x, y):
    network = WaveNet(recipe.DILATIONS)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    for _ in range(recipe.EPOCHS):
        for rows in torch.randperm(len(x)).split(recipe.BATCH_SIZE):
            optimizer.zero_grad()
            loss(network, x[rows], y[rows]).backward()
            optimizer.step()
    return network


def run(seed, x, y):
    """Its nats a sample, and what tatami draws from its weights."""
    torch.manual_seed(seed)
    network = trained(x, y)
    test, kind = sounds.sounds(70, np.random.default_rng(1))
    with torch.no_grad():
        nll = np.mean([loss(network, *part) for part in zip(test[:, None], kind[:, None])])
    model = recipe.model(x, y)
    model.load_state_dict({name: value.numpy() for name, value in network.state_dict().items()})
    return {"nll": nll, "as_asked": asked(model, kind)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs = [run(seed, *recipe.data(None, None)) for seed in SEEDS]
    print(record.write(Path(__file__).with_suffix(".json"), SEEDS, runs, torch=torch.__version__))
