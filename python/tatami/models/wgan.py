"""Wasserstein GANs: a critic that measures how far made images are from real ones."""

from functools import partial

from .. import functional as F
from .. import nn, optim, random
from ..autograd import Tensor, grad
from .dcgan import Discriminator, Generator
from .gan import GAN

Adam = partial(optim.Adam, lr=1e-4, betas=(0.0, 0.9))


class WGAN(GAN):
    """A game about the distance max E f(real) - E f(made) over critics f of slope 1.

    Images (N, channels, size, size) from 0 to 1. The networks are those of a
    :class:`~tatami.models.DCGAN`, but the critic is normed image by image and has no sigmoid: what
    it returns is a score, f. That its slope is about 1 a penalty sees to (Gulrajani et al., 2017,
    algorithm 1). A batch is divided among ``steps`` steps of the critic.

    >>> gan = WGAN(size=16, channels=1, width=32)
    >>> gan.compile()  # now fit it on images, in batches of 5 times 32
    """

    def __init__(self, size=64, channels=3, latent=100, width=64, steps=5, penalty=10.0):
        critic = Discriminator(size, channels, width, norm=partial(nn.GroupNorm, 1))
        super().__init__(Generator(size, channels, latent, width), critic, latent, steps)
        self.penalty = penalty

    def compile(self, optimizer=None):
        """Adam with the paper's settings for either part, unless ``optimizer`` says otherwise."""
        super().compile(optimizer or {"generator": Adam, "discriminator": Adam})

    def logits(self, x):
        """The critic's scores (N, 1)."""
        return self.discriminator.logits(x)

    forward = logits

    def discriminator_loss(self, real, made):
        """E f(made) - E f(real) and the penalty; and the distance that the critic finds."""
        distance = self.logits(real).mean() - self.logits(made).mean()
        slope = gradient_penalty(self.logits, real, made)
        return self.penalty * slope - distance, {"distance": distance}

    def generator_loss(self, on_made):
        """-E f(made)."""
        return -on_made.mean()


def gradient_penalty(critic, real, made):
    """E (|gradient of f| - 1)^2, at a random place between each real row and a made one."""
    share = random.generator().random((len(real), *[1] * (real.ndim - 1)), real.dtype)
    between = Tensor(share * real.data + (1 - share) * made.data, requires_grad=True)
    slope = grad(critic(between).sum(), between, create_graph=True)
    return ((F.norm(slope.reshape(len(real), -1), axis=1) - 1) ** 2).mean()
