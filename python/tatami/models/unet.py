"""U-Net: an image in, an image of the same size out, coarse and fine seen together."""

from .. import functional as F
from .. import nn
from ._given import need


class UNet(nn.Module):
    """Down by ``depth`` halvings, up again, joined at every size (Ronneberger et al., 2015).

    (N, in_channels, H, W) -> (N, out_channels, H, W). The first size has ``width`` channels, every
    half size twice as many. What a level saw on the way down is put beside what comes up from
    below: the coarse levels say what it is, the skipped ones where its edges are. Unlike the
    paper's, convolutions pad with zeros, so that the size stays; a height or width that
    ``2 ** depth`` does not divide is padded at its end by its last pixels and cropped afterwards.
    It has no activation last: compile it with the loss of the task.

    >>> UNet(1, 3, depth=2, width=8)(Tensor(numpy.zeros((5, 1, 30, 41), numpy.float32))).shape
    (5, 3, 30, 41)
    """

    def __init__(self, in_channels=1, out_channels=2, depth=4, width=64):
        widths = [width * 2**level for level in range(depth + 1)]
        self.in_channels = in_channels
        self.multiple = 2**depth
        self.first = _two(in_channels, width)
        self.down = nn.ModuleList(_two(c, 2 * c) for c in widths[:-1])
        self.up = nn.ModuleList(_double(2 * c, c) for c in widths[-2::-1])
        self.join = nn.ModuleList(_two(2 * c, c) for c in widths[-2::-1])
        self.last = nn.Conv2d(width, out_channels, 1)

    def forward(self, x):
        need(self, x, self.in_channels, "H", "W")
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple), "replicate")
        levels = [self.first(x)]
        for down in self.down:
            levels.append(down(F.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for up, join in zip(self.up, self.join):
            x = join(F.concatenate([levels.pop(), up(x)], axis=1))
        return self.last(x)[:, :, :height, :width]


def _two(in_channels, out_channels):
    """Two convolutions; normal weights of variance 2 / fan-in, as in the paper."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, weight_init="he_normal"),
        nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, weight_init="he_normal"),
        nn.ReLU(),
    )


def _double(in_channels, out_channels):
    """Twice the height and width."""
    return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
