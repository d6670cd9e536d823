"""Networks that tatami and PyTorch write alike, their batches, and their steps in either."""

import numpy as np

from . import TEXTS

VOCABULARY, CELLS = 96, 256
SHAPES = {
    "lenet": (128, 1, 28, 28),
    "mlp": (128, 784),
    "vgg": (32, 3, 32, 32),
    "resnet18": (32, 3, 32, 32),
    "tiny": (8, 16),
}
RESNET = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and stride of each pair of blocks


def batch(name):
    """Inputs and targets."""
    rng = np.random.default_rng(0)
    if name in TEXTS:  # (time, batch)
        text = rng.integers(0, VOCABULARY, (129, 64))
        return text[:-1], text[1:].reshape(-1)
    shape = SHAPES[name]
    return rng.random(shape, dtype=np.float32), rng.integers(0, 10, shape[0])


def mlp(nn):
    widths = nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    return nn.Sequential(*widths)


def tiny(nn):
    """Of which nearly all is overhead."""
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))


def lenet(nn):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def vgg(nn):
    """Three pairs of 3x3 convolutions, with a pooling after each pair."""
    layers, before = [], 3
    for channels in (64, 128, 256):
        for c in (before, channels):
            layers += [nn.Conv2d(c, channels, 3, padding=1), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
        before = channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 16, 10))


def resnet18(nn):
    """As for 32x32 images: a first convolution 3x3, no pooling before the mean at the end."""

    def convolution(c, channels, size, stride, *after):
        convolve = nn.Conv2d(c, channels, size, stride, size // 2, bias=False)
        return nn.Sequential(convolve, nn.BatchNorm2d(channels), *after)

    class Block(nn.Module):
        def __init__(self, c, channels, stride):
            super().__init__()
            self.first = convolution(c, channels, 3, stride, nn.ReLU())
            self.second = convolution(channels, channels, 3, 1)
            self.relu = nn.ReLU()
            same = c == channels and stride == 1
            self.short = nn.Identity() if same else convolution(c, channels, 1, stride)

        def forward(self, x):
            y, short = self.first(x), self.short(x)
            if adds:
                convolve, norm = self.second
                return norm(convolve(y), residual=short, activation="relu")
            return self.relu(self.second(y) + short)

    adds = nn.__name__ == "tatami.nn"  # whose batch norm adds the residual as it writes
    layers, before = [convolution(3, 64, 3, 1, nn.ReLU())], 64
    for channels, stride in RESNET:
        layers += [Block(before, channels, stride), Block(channels, channels, 1)]
        before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def characters(nn, cells):
    """A language model of characters: two layers of 256 cells."""

    class Characters(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, 64)
            self.cells = getattr(nn, cells)(64, CELLS, num_layers=2)
            self.output = nn.Linear(CELLS, VOCABULARY)

        def forward(self, text):
            y, _ = self.cells(self.embedding(text))
            return self.output(y.reshape(-1, CELLS))

    return Characters()


def network(nn, name):
    return characters(nn, name.upper()) if name in TEXTS else globals()[name](nn)


def tatami_step(name):
    import tatami
    from tatami import functional, nn, optim

    tatami.manual_seed(0)
    model = network(nn, name)
    optimizer = optim.Adam(model.parameters())
    x, y = batch(name)
    x = tatami.Tensor(x)

    def step():
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch_step(name, compiled):
    import torch

    model = network(torch.nn, name)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    run = torch.compile(model) if compiled else model
    x, y = map(torch.from_numpy, batch(name))

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(run(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step
