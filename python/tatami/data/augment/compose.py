"""Several changes in a row."""

from itertools import groupby

from .geometry import Geometric, warp
from .transform import Transform


class Compose(Transform):
    """All ``transforms`` one after the other.

    Neighbours that move pixels (shift, flip, zoom, rotate, shear, elastic) are taken together:
    the image is read once, which is faster and blurs less.
    """

    def __init__(self, *transforms):
        self.transforms = transforms

    def apply(self, x, rng):
        for padding_mode, group in groupby(self.transforms, _padding_mode):
            group = list(group)
            if padding_mode is None or len(group) == 1:
                for transform in group:
                    x = transform(x, rng)
            else:
                x = warp(x, [transform.draw(x, rng) for transform in group], padding_mode)
        return x


def _padding_mode(transform):
    return transform.padding_mode if isinstance(transform, Geometric) else None
