"""GANs in PyTorch, on a ring of points and on digits: what benchmarks/generative.py compares with.

Made once by PyTorch 2.13 on a CPU, with NumPy and tatami (whose classifier judges) beside it:

    python benchmarks/reference/digits.py digits.npz
    python-with-torch benchmarks/reference/gan.py digits.npz gan dcgan cgan wgan

Networks, optimizers, batches, epochs and data are those of tatami's recipes; the code is PyTorch's.
"""

import sys
from pathlib import Path

import numpy as np
import record
import torch
from torch import nn
from torch.nn import functional as F

from tatami.examples import _digits
from tatami.generate import recipes
from tatami.generate.recipes._images import doubled, moved

LATENT, CLASSES = 100, 10
SEEDS = {"gan": range(5), "dcgan": range(5), "cgan": range(3), "wgan": range(3)}


def points(inputs, outputs):
    layers = [nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, outputs))


def generator(latent, width=32):
    return nn.Sequential(
        nn.Unflatten(1, (latent, 1, 1)),
        nn.ConvTranspose2d(latent, 2 * width, 4, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def discriminator(channels, norm=nn.BatchNorm2d, width=32):
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
        norm(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 4, bias=False),
        nn.Flatten(),
    )


def draw(layer):
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, 0.02)


def told(x, labels):
    """The rows with their labels as ones among zeros, which images see as 1 among -1."""
    if labels is None:
        return x
    ones = F.one_hot(labels, CLASSES).to(x.dtype)
    if x.ndim == 4:
        ones = (2 * ones - 1)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, ones], 1)


def game(d, real, made, labels):
    return F.softplus(-d(told(real, labels))).mean() + F.softplus(d(told(made, labels))).mean()


def wasserstein(d, real, made, labels):
    share = torch.rand(len(real), 1, 1, 1)
    # Between images from 0 to 1, as tatami has them: slopes are twice those by -1 to 1.
    between = ((share * real + (1 - share) * made + 1) / 2).requires_grad_()
    (slope,) = torch.autograd.grad(d(2 * between - 1).sum(), between, create_graph=True)
    penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    return d(made).mean() - d(real).mean() + 10 * penalty


ADVERSARIAL = {"loss": game, "steps": 1, "rate": 2e-4, "betas": (0.5, 0.999)}
WASSERSTEIN = {"loss": wasserstein, "steps": 5, "rate": 1e-4, "betas": (0.0, 0.9)}


def networks(name):
    """Generator, discriminator, and how they are trained."""
    if name == "gan":
        return points(4, 2), points(2, 1), {**ADVERSARIAL, "steps": 2, "rate": 1e-3, "latent": 4}
    extra = CLASSES if name == "cgan" else 0
    norm = (lambda channels: nn.GroupNorm(1, channels)) if name == "wgan" else nn.BatchNorm2d
    g, d = generator(LATENT + extra), discriminator(1 + extra, norm)
    how = WASSERSTEIN if name == "wgan" else ADVERSARIAL
    return g.apply(draw), d.apply(draw), {**how, "latent": LATENT}


def trained(g, d, x, labels, recipe, *, latent, loss, steps, rate, betas):
    """Trains both; the discriminator's mean loss by epoch."""
    of_g, of_d = (torch.optim.Adam(net.parameters(), rate, betas) for net in (g, d))
    losses = []
    for _ in range(recipe.EPOCHS):
        total = 0
        for rows in torch.randperm(len(x)).split(recipe.BATCH_SIZE):
            for part in rows.tensor_split(steps):
                its = None if labels is None else labels[part]
                made = g(told(torch.randn(len(part), latent), its))
                d_loss = loss(d, x[part], made.detach(), its)
                of_d.zero_grad()
                d_loss.backward()
                of_d.step()
            on_made = d(told(made, its))
            g_loss = -on_made.mean() if loss is wasserstein else F.softplus(-on_made).mean()
            of_g.zero_grad()
            g_loss.backward()
            of_g.step()
            total += d_loss.item() * len(rows)
        losses.append(total / len(x))
    return losses


def run(name, seed, x, labels):
    """1,000 samples of a model of ``x``, and the discriminator's losses."""
    torch.manual_seed(seed)
    g, d, how = networks(name)
    labels = labels if name == "cgan" else None
    losses = trained(g, d, x, labels, recipes.recipe(name), **how)
    asked = None if labels is None else torch.arange(1000) % CLASSES
    with torch.no_grad():
        made = g.eval()(told(torch.randn(1000, how["latent"]), asked))
    return made.numpy(), losses


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import gans

    torch.set_num_threads(1)
    arrays = np.load(sys.argv[1])
    x, y, real = doubled(arrays["x_train"]), arrays["y_train"], doubled(arrays["x_test"])
    eye = _digits.eye(x, y)
    images, labels = map(torch.from_numpy, moved(x, y))
    ring = torch.from_numpy(recipes.recipe("gan").data(None, None)[0])
    for name in sys.argv[2:]:
        runs = []
        for seed in SEEDS[name]:
            made, losses = run(name, seed, ring if name == "gan" else 2 * images - 1, labels)
            if name == "gan":
                runs.append(gans.on_the_ring(made, losses))
            else:
                runs.append(gans.among_digits(name, (made + 1) / 2, losses, eye, real))
            print(name, seed, runs[-1], flush=True)
            path = Path(__file__).with_name(f"{name}.json")
            record.write(path, SEEDS[name][: len(runs)], runs, torch=torch.__version__)
