"""What random changes of images have in common."""

import numpy as np

from ... import random


class Transform:
    """A random change of a batch of images: ``transform(x, rng=None)``.

    ``x`` (N, C, H, W), floats; every image is changed in its own way and ``x`` itself never. The
    random numbers come from ``rng``, by default the generator of ``tatami.manual_seed``.
    """

    def __call__(self, x, rng=None):
        if x.ndim != 4 or x.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"{type(self).__name__}: x must be (N, C, H, W) of float32 or float64, "
                f"got shape {x.shape} of {x.dtype}"
            )
        return self.apply(x, random.generator() if rng is None else rng)

    def apply(self, x, rng):
        raise NotImplementedError(f"{type(self).__name__} has no apply")


def each(rng, low, high, x):
    """A number between low and high for every image, (N, 1, 1, 1) in the dtype of ``x``."""
    return rng.uniform(low, high, (len(x), 1, 1, 1)).astype(x.dtype)


def both_ways(name, value):
    """``value`` as (low, high); one number goes as far down as up."""
    low, high = value if isinstance(value, (tuple, list)) else (-value, value)
    if not low <= high:
        raise ValueError(f"{name} is {value}; the lower end must come first")
    return low, high
