"""Generative adversarial networks: a forger and a critic learn from each other."""

from functools import partial

import numpy as np

from .. import functional as F
from .. import nn, optim, random
from ..autograd import Tensor, no_grad

Adam = partial(optim.Adam, lr=2e-4, betas=(0.5, 0.999))


class GAN(nn.Module):
    """Two networks in a game: min over G, max over D of E log D(x) + E log(1 - D(G(z))).

    ``generator`` maps noise (N, latent) of the standard normal distribution to what the data looks
    like, ``discriminator`` maps data to logits, one a row: D = sigmoid(logits), which the model
    itself returns, is the probability that a row is real. With labels both take them as their
    second argument. A batch is divided among ``steps`` steps of the discriminator, which are
    followed by one of the generator (Goodfellow et al., 2014, algorithm 1).

    >>> generator = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    >>> discriminator = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1))
    >>> gan = GAN(generator, discriminator, latent=8)
    >>> gan.compile()
    >>> history = gan.fit(numpy.zeros((64, 2), numpy.float32), verbose=0)
    >>> gan.sample(5, rng=numpy.random.default_rng(0)).shape
    (5, 2)
    """

    def __init__(self, generator, discriminator, latent, steps=1):
        if steps < 1:
            raise ValueError(f"{type(self).__name__}: steps must be at least 1, not {steps}")
        self.generator = generator
        self.discriminator = discriminator
        self.latent = latent
        self.steps = steps

    def compile(self, optimizer=None):
        """Adam with DCGAN's settings for either part, unless ``optimizer`` says otherwise."""
        super().compile(optimizer or {"generator": Adam, "discriminator": Adam})

    def generate(self, noise, *labels):
        """What the generator makes of noise (N, latent)."""
        return self.generator(noise, *labels)

    def logits(self, x, *labels):
        """log(D / (1 - D)) of every row."""
        return self.discriminator(x, *labels)

    def forward(self, x, *labels):
        """D(x): the probability that each row is real."""
        return F.sigmoid(self.logits(x, *labels))

    def train_step(self, optimizer, *batch):
        """On (x,) or (x, labels); the losses, and what the discriminator thinks, by name."""
        parts = (np.array_split(each.data, min(self.steps, len(each))) for each in batch)
        for real, *labels in zip(*parts):
            made = self.generate(self._noise(len(real), random.generator()), *labels)
            d_loss, opinion = self.discriminator_loss(Tensor(real), made.detach(), *labels)
            optimizer["discriminator"].minimize(d_loss)
        g_loss = self.generator_loss(self.logits(made, *labels))
        optimizer["generator"].minimize(g_loss)
        return {"d_loss": d_loss, "g_loss": g_loss, **opinion}

    def discriminator_loss(self, real, made, *labels):
        """-E log D(real) - E log(1 - D(made)), ln 4 where D knows nothing; and both mean D."""
        on_real, on_made = self.logits(real, *labels), self.logits(made, *labels)
        loss = F.softplus(-on_real).mean() + F.softplus(on_made).mean()
        means = [F.sigmoid(logits.data).mean() for logits in (on_real, on_made)]
        return loss, dict(zip(("d_real", "d_fake"), means))

    def generator_loss(self, on_made):
        """-E log D(made), of logits: steep where D is sure, unlike E log(1 - D(made))."""
        return F.softplus(-on_made).mean()

    @no_grad()
    def sample(self, count, *labels, rng):
        """``count`` rows made of noise from the NumPy generator ``rng``, as an array."""
        with nn.evaluating(self):
            return self.generate(self._noise(count, rng), *labels).data

    def _noise(self, count, rng):
        dtype = self.generator.parameters()[0].dtype
        return Tensor(rng.standard_normal((count, self.latent), dtype))
