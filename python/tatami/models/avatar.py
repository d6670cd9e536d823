"""One-shot avatars in two layers: a picture of a person, and then any pose, at the rate of a film.

Zakharov, Ivakhnenko, Shysheya and Lempitsky, Fast Bi-layer Neural Synthesis of One-Shot Realistic
Head Avatars, 2020. What is dear is done once a person: a network looks at one picture and draws the
person's texture, with all that is fine, and the settings of a second network. What is done for
every frame is cheap: that second network turns the pose into a coarse image and into the places
where the texture is to be read. The frame is the sum of both layers. Here the coarse image starts
from the picture at a quarter of its size, read at the same places; in the paper from nothing.
"""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .. import functional as F
from .. import nn, optim
from ..autograd import Tensor, no_grad
from ._given import need
from .unet import UNet

Adam = partial(optim.Adam, lr=1e-3)


class Person(NamedTuple):
    """What is known of N people once they have been looked at."""

    texture: Tensor  # (N, channels, size, size): what is fine
    glance: Tensor  # (N, channels, size / 4, size / 4): what is coarse
    scales: tuple  # of the frame network's layers, (N, C, 1, 1) each
    shifts: tuple


class Embedder(nn.Module):
    """Pictures (N, channels, size, size) of people and their key points (N, points, 2): Person."""

    def __init__(self, points, size, channels, width, widths):
        self.texture = UNet(channels, channels, depth=3, width=width)
        nn.init.zeros_(self.texture.last.weight)
        layers, before = [], channels
        for k in range(4):
            layers += [nn.Conv2d(before, width << k, 3, stride=2, padding=1), nn.ReLU()]
            before = width << k
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.widths = widths
        self.shape, self.pose = (channels, size, size), (points, 2)
        seen = before * (size // 16) ** 2 + 2 * points
        self.code = nn.Sequential(nn.Linear(seen, 256), nn.ReLU(), nn.Linear(256, 2 * sum(widths)))

    def forward(self, image, points):
        need(self, image, *self.shape, name="image")
        need(self, points, *self.pose, name="points")
        seen = F.concatenate([self.body(2 * image - 1), F.flatten(points, 1)], axis=1)
        code = self.code(seen)
        parts = F.split(code[:, :, None, None], 2 * self.widths, axis=1)
        count = len(self.widths)
        glance = F.avg_pool2d(image, 4)
        fine = image - F.upsample2d(glance, 4, "bilinear")
        return Person(fine + self.texture(image), glance, parts[:count], parts[count:])


class FrameNetwork(nn.Module):
    """Key points (N, points, 2) of a pose and a :class:`Person`: the two layers of a frame.

    Returns what the coarse image is corrected by, (N, channels, size, size), and where the picture
    is read, (N, size, size, 2) from -1 to 1. All is worked out at half the size at most, and
    enlarged.
    """

    def __init__(self, points, size, channels, widths):
        self.pose = points, 2
        self.size = size
        self.channels = channels
        self.widths = widths
        self.first = nn.Linear(2 * points, widths[0] * 16)
        self.layers = nn.ModuleList(
            nn.Conv2d(a + channels * self._glances(k), b, 3, padding=1)
            for k, (a, b) in enumerate(pairwise(widths), 1)
        )
        self.last = nn.Conv2d(widths[-1], channels + 2, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, points, person):
        need(self, points, *self.pose, name="points")
        x = self.first(F.flatten(points, 1)).reshape(len(points), self.widths[0], 4, 4)
        x = self._tuned(x, person, 0)
        for k, layer in enumerate(self.layers, 1):
            x = F.upsample2d(x, 2)
            x = F.concatenate([x, person.glance], axis=1) if self._glances(k) else x
            x = self._tuned(layer(x), person, k)
        both = F.upsample2d(self.last(x), 2, "bilinear")
        coarse, moved = both[:, : self.channels], both[:, self.channels :]
        return coarse, Tensor(_places(self.size, moved.dtype)) + F.moveaxis(moved, 1, 3)

    def _glances(self, k):
        """Whether layer k, for which the edge is 4 * 2^k, sees the person's coarse picture."""
        return 4 << k == self.size // 4

    def _tuned(self, x, person, k):
        """A layer as the person has it."""
        return F.relu(x * (1 + person.scales[k]) + person.shifts[k])


class Avatar(nn.Module):
    """Anybody's picture in any pose, trained on pairs of pictures of many people.

    ``points`` key points (x and y from -1 to 1) tell a pose; images are (N, channels, size, size)
    from 0 to 1, ``size`` a power of two from 16. ``fit`` takes ``(image, its points, points of
    another pose)`` as x and the image in that pose as y. :meth:`meet` is done once a person,
    :meth:`frame` once a frame.

    >>> avatar = Avatar(points=12, size=32)
    >>> image, points = numpy.zeros((1, 3, 32, 32), "float32"), numpy.zeros((1, 12, 2), "float32")
    >>> person = avatar.meet(image, points)
    >>> avatar.frame(person, points).shape
    (1, 3, 32, 32)
    """

    def __init__(self, points=12, size=64, channels=3, width=16):
        if size < 16 or size & (size - 1):
            raise ValueError(f"Avatar: size must be a power of two from 16, not {size}")
        levels = (size // 8).bit_length()  # 4, 8, ..., size / 2
        widths = [max(4 * width >> k, width) for k in range(levels)]
        self.embedder = Embedder(points, size, channels, width, widths)
        self.network = FrameNetwork(points, size, channels, widths)

    def compile(self, optimizer=Adam):
        super().compile(optimizer)

    def layers(self, person, points):
        """The coarse layer and the fine one, (N, channels, size, size) each: they add up."""
        correction, places = self.network(points, person)
        read = partial(F.grid_sample, grid=places, padding_mode="border")
        return correction + read(person.glance), read(person.texture)

    def forward(self, image, points, target_points):
        coarse, fine = self.layers(self.embedder(image, points), target_points)
        return coarse + fine

    def losses(self, image, points, target_points, target):
        """``|frame - target|``, and the same of both coarse: of the coarse layer and the target."""
        coarse, fine = self.layers(self.embedder(image, points), target_points)
        l1 = F.l1_loss(coarse + fine, target)
        blurred = F.l1_loss(F.avg_pool2d(coarse, 4), F.avg_pool2d(target, 4))
        return {"loss": l1 + blurred, "l1": l1, "coarse_l1": blurred}

    def train_step(self, optimizer, *batch):
        losses = self.losses(*batch)
        optimizer.minimize(losses["loss"])
        return losses

    def test_step(self, *batch):
        return self.losses(*batch)

    @no_grad()
    def meet(self, image, points):
        """Look at pictures of people, once: what :meth:`frame` wants of them."""
        with nn.evaluating(self):
            return self.embedder(Tensor(image), Tensor(points))

    @no_grad()
    def frame(self, person, points):
        """The people in other poses, as an array (N, channels, size, size)."""
        coarse, fine = self.layers(person, Tensor(points))
        return (coarse.data + fine.data).clip(0, 1)


def _places(size, dtype):
    """The places of all pixels, (1, size, size, 2): what reads a texture as it is."""
    line = ((np.arange(size) + 0.5) / size * 2 - 1).astype(dtype)
    return np.stack(np.meshgrid(line, line), axis=2)[None]
