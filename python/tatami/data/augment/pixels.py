"""Images cut, covered and changed in their values."""

import numpy as np

from .transform import Transform, both_ways, each


class Crop(Transform):
    """A piece of (height, width), or a square, from a random place of the image.

    ``padding`` pixels of ``fill`` are put around it first.
    """

    def __init__(self, size, padding=0, fill=0.0):
        self.size = size if isinstance(size, (tuple, list)) else (size, size)
        self.padding = padding
        self.fill = fill

    def apply(self, x, rng):
        pad = ((0, 0), (0, 0), *[(self.padding, self.padding)] * 2)
        x = np.pad(x, pad, constant_values=self.fill) if self.padding else x
        height, width = self.size
        if not (0 < height <= x.shape[2] and 0 < width <= x.shape[3]):
            raise ValueError(f"Crop: size is {self.size} but the padded images are {x.shape[2:]}")
        top = rng.integers(x.shape[2] - height + 1, size=len(x))
        left = rng.integers(x.shape[3] - width + 1, size=len(x))
        y = np.empty((*x.shape[:2], height, width), x.dtype)
        for image, piece, i, j in zip(x, y, top.tolist(), left.tolist()):
            piece[...] = image[:, i : i + height, j : j + width]
        return y


class CutOut(Transform):
    """Covers a square of ``size`` pixels, or (height, width), with ``fill`` at a random place.

    Its middle lies in the image; at the edge less is covered. DeVries & Taylor, 2017.
    """

    def __init__(self, size=8, fill=0.0):
        self.size = size if isinstance(size, (tuple, list)) else (size, size)
        self.fill = fill

    def apply(self, x, rng):
        y = x.copy()
        spans = []
        for axis, size in zip((2, 3), self.size):
            first = rng.integers(x.shape[axis], size=len(x)) - size // 2
            spans.append(zip(first.clip(min=0).tolist(), (first + size).tolist()))
        for image, (top, bottom), (left, right) in zip(y, *spans):
            image[:, top:bottom, left:right] = self.fill
        return y


class Contrast(Transform):
    """Spreads each image around its mean by a factor from ``scale``, (low, high)."""

    def __init__(self, scale=(0.8, 1.2)):
        self.scale = scale

    def apply(self, x, rng):
        factor = each(rng, *self.scale, x)
        return factor * x + (1 - factor) * x.mean(axis=(1, 2, 3), keepdims=True)


class Brightness(Transform):
    """Adds up to ``amount``, or from (low, high), to all pixels of an image."""

    def __init__(self, amount=0.1):
        self.amount = both_ways("Brightness: amount", amount)

    def apply(self, x, rng):
        return x + each(rng, *self.amount, x)


class Noise(Transform):
    """Adds normal noise of standard deviation ``std`` to every pixel."""

    def __init__(self, std=0.05):
        self.std = std

    def apply(self, x, rng):
        y = rng.standard_normal(x.shape, dtype=x.dtype)
        y *= x.dtype.type(self.std)
        y += x
        return y
