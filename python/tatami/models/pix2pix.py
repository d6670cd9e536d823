"""pix2pix: one kind of image made into another, after pairs of them (Isola et al., 2017)."""

from functools import partial

from .. import functional as F
from .. import nn, optim
from ._given import need, need_multiples


class Pix2Pix(nn.Module):
    """A :class:`Pix2PixGenerator` that a :class:`PatchGAN` finds fault with.

    Images (N, in_channels, H, W) from 0 to 1 become images (N, out_channels, H, W) from 0 to 1;
    inside, both are from -1 to 1. The sizes that are not given are the paper's, for 256x256.
    ``depth`` is how often the generator halves the image, ``layers`` how many strided ones the
    discriminator has (see :class:`PatchGAN`).

    >>> model = Pix2Pix(1, 3, width=8, depth=4, layers=1)
    >>> model.translate(numpy.zeros((5, 1, 16, 16), numpy.float32)).shape
    (5, 3, 16, 16)
    """

    l1_weight = 100

    def __init__(self, in_channels=3, out_channels=3, width=64, depth=8, layers=3):
        self.generator = Pix2PixGenerator(in_channels, out_channels, width, depth)
        self.discriminator = PatchGAN(in_channels + out_channels, width, layers)

    def compile(self, optimizer=None):
        """With the paper's optimizers, if none are given: Adam, lr 2e-4, beta1 0.5."""
        adam = partial(optim.Adam, lr=2e-4, betas=(0.5, 0.999))
        super().compile(optimizer or {"generator": adam, "discriminator": adam})

    def forward(self, x):
        return (self.generator(2 * x - 1) + 1) / 2

    def train_step(self, optimizer, x, y):
        """One step of the discriminator, one of the generator; ``y`` is what ``x`` should become.

        ``min_G max_D E log D(x, y) + E log(1 - D(x, G(x))) + 100 E |y - G(x)|`` (equation 4), where
        G maximizes log D(x, G(x)), and D's part is halved to learn more slowly (section 3.3). With
        scores s, D = sigmoid(s): -log D = softplus(-s) and -log(1 - D) = softplus(s). The "l1" that
        it returns is of values from 0 to 1, as images are.
        """
        x, y = 2 * x - 1, 2 * y - 1
        made = self.generator(x)
        need(self, y, *made.shape[1:], name="y")
        real, fake = self._scores(x, y), self._scores(x, made.detach())
        critic = (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2
        optimizer["discriminator"].minimize(critic)
        fooled = F.softplus(-self._scores(x, made)).mean()
        l1 = F.l1_loss(made, y)
        optimizer["generator"].minimize(fooled + self.l1_weight * l1)
        return {"l1": l1 / 2, "generator_loss": fooled, "discriminator_loss": critic}

    def test_step(self, x, y):
        """The mean absolute difference, of values from 0 to 1."""
        return {"l1": F.l1_loss(self(x), y)}

    def translate(self, x, batch_size=32):
        """What images (N, in_channels, H, W) become, as an array (N, out_channels, H, W)."""
        return self.predict(x, batch_size)

    def _scores(self, x, y):
        return self.discriminator(F.concatenate([x, y], axis=1))


class Pix2PixGenerator(nn.Module):
    """A U-Net of strided convolutions, C64-C128-C256-C512-C512... and back (section 6.1.1).

    (N, in_channels, H, W) -> (N, out_channels, H, W) from -1 to 1; H and W are multiples of
    ``2 ** depth``. Nothing but dropout is random in it: on the way up, layers that see a 32nd of
    the image or less (three of the paper's eight) drop half of their units. 54,413,955 parameters
    by default: there is no batch norm outermost and none innermost, where 256x256 are one pixel,
    and no bias before a batch norm.
    """

    def __init__(self, in_channels=3, out_channels=3, width=64, depth=8):
        self.multiple = 2**depth
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        widths = [width * min(2**level, 8) for level in range(depth)]
        for level, c in enumerate(widths):
            layers = [nn.LeakyReLU(0.2)] if level else []
            layers.append(_conv(widths[level - 1] if level else in_channels, c, bias=False))
            layers.extend([nn.BatchNorm2d(c)] if 0 < level < depth - 1 else [])
            self.down.append(nn.Sequential(layers))
        for level in reversed(range(depth)):
            c = widths[level - 1] if level else out_channels
            skipped = widths[level] if level < depth - 1 else 0
            layers = [nn.ReLU(), _double(widths[level] + skipped, c, bias=level == 0)]
            layers.append(nn.BatchNorm2d(c) if level else nn.Tanh())
            layers.extend([nn.Dropout(0.5)] if level > 4 else [])
            self.up.append(nn.Sequential(layers))

    def forward(self, x):
        need_multiples(self, x, self.multiple)
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        x = levels.pop()
        for up in self.up:
            x = up(x)
            if levels:
                x = F.concatenate([x, levels.pop()], axis=1)
        return x


class PatchGAN(nn.Module):
    """Whether each patch of an image looks real: scores, not yet probabilities (section 6.1.2).

    (N, in_channels, H, W) -> (N, 1, h, w), where h = H / 2 ** layers - 2. A score sees
    ``receptive_field`` = 9 * 2 ** layers - 2 pixels each way: the paper's 70 with three strided
    layers, 16 with one.
    """

    def __init__(self, in_channels=6, width=64, layers=3):
        self.receptive_field = 9 * 2**layers - 2
        widths = [width * min(2**level, 8) for level in range(layers + 1)]
        body = [_conv(in_channels, width), nn.LeakyReLU(0.2)]
        for level in range(1, layers + 1):
            before, c = widths[level - 1 : level + 1]
            stride = 1 if level == layers else 2
            body += [_conv(before, c, stride, bias=False), nn.BatchNorm2d(c), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*body, _conv(widths[-1], 1, stride=1))

    def forward(self, x):
        return self.body(x)


_small = partial(nn.init.normal_, std=0.02)


def _conv(in_channels, out_channels, stride=2, bias=True):
    """Half the height and width, or one pixel less of each."""
    how = {"stride": stride, "padding": 1, "bias": bias, "weight_init": _small}
    return nn.Conv2d(in_channels, out_channels, 4, **how)


def _double(in_channels, out_channels, bias):
    """Twice the height and width."""
    how = {"stride": 2, "padding": 1, "bias": bias, "weight_init": _small}
    return nn.ConvTranspose2d(in_channels, out_channels, 4, **how)
