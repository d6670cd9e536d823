"""The VAEs of the digits in PyTorch: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU, with NumPy and tatami (whose classifier judges) beside it:

    python benchmarks/reference/digits.py digits.npz
    python-with-torch benchmarks/reference/vae.py digits.npz

Networks, loss, optimizer, batches and epochs are those of tatami.models.DenseVAE, ConvVAE and
ConditionalVAE in benchmarks/generative.py; the code is PyTorch's.
"""

import sys
from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F

SEEDS = (0, 1, 2, 3, 4)
EPOCHS, BATCH_SIZE, LATENT, HIDDEN = 60, 64, 8, 256


def dense(inputs, outputs):
    first, second = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Linear(HIDDEN, outputs))


class Dense(nn.Module):
    def __init__(self, classes=0):
        super().__init__()
        self.classes = classes
        self.encoder = dense(64 + classes, 2 * LATENT)
        self.decoder = dense(LATENT + classes, 64)

    def told(self, x, y):
        return torch.cat([x.flatten(1), F.one_hot(y, 10).float()], 1) if self.classes else x

    def encode(self, x, y):
        return self.encoder(self.told(x.flatten(1), y)).chunk(2, 1)

    def decode(self, z, y):
        return self.decoder(self.told(z, y)).view(-1, 1, 8, 8)


class Conv(Dense):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, 2 * LATENT),
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 256),
            nn.Unflatten(1, (64, 2, 2)),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1),
        )

    def encode(self, x, y):
        return self.encoder(x).chunk(2, 1)


def loss(model, x, y):
    mean, log_variance = model.encode(x, y)
    z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
    error = F.binary_cross_entropy_with_logits(model.decode(z, y), x, reduction="sum")
    kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    return (error + kl) / len(x)


def trained(model, x, y):
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            optimizer.zero_grad()
            loss(model, x[rows], y[rows]).backward()
            optimizer.step()
    return model


def run(seed, train, test):
    """Negative evidence lower bounds of the test images; images of their labels."""
    torch.manual_seed(seed)
    models = {"dense": Dense(), "conv": Conv(), "conditional": Dense(10)}
    bounds = {}
    for name, model in models.items():
        trained(model, *train)
        with torch.no_grad():
            bounds[f"negative_elbo_{name}"] = float(loss(model, *test))
    with torch.no_grad():
        made = models["conditional"].decode(torch.randn(len(test[1]), LATENT), test[1])
    return bounds, torch.sigmoid(made).numpy()


if __name__ == "__main__":
    from tatami.examples import _digits

    torch.set_num_threads(1)
    arrays = np.load(sys.argv[1])
    train, test = ([arrays[f"{k}_{part}"] for k in "xy"] for part in ("train", "test"))
    eye = _digits.eye(*train)
    runs = []
    for seed in SEEDS:
        tensors = [[torch.from_numpy(a) for a in part] for part in (train, test)]
        bounds, made = run(seed, *tensors)
        agreement = np.mean(eye.probabilities(made).argmax(axis=1) == test[1])
        runs.append({**bounds, "agreement": agreement})
    path = Path(__file__).with_suffix(".json")
    print(record.write(path, SEEDS, runs, torch=torch.__version__))
