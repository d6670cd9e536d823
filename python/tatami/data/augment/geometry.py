"""Images shifted, turned, bent: where every pixel of the result is read from.

Places are (horizontal, vertical) with the image from -1 to 1. A change says which place of its
input each place of its result shows, so that several in a row cost one reading of the image.
"""

import math

import numpy as np

from ... import kernels as K
from .transform import Transform, both_ways


class Geometric(Transform):
    """A change of places. ``padding_mode``: what lies outside the image, "zeros" or "border"."""

    def __init__(self, padding_mode="zeros"):
        self.padding_mode = padding_mode

    def apply(self, x, rng):
        return warp(x, [self.draw(x, rng)], self.padding_mode)

    def draw(self, x, rng):
        """For the images of ``x``, matrices (N, 2, 3) or ways to go (N, 2, H, W)."""
        raise NotImplementedError(f"{type(self).__name__} has no draw")


class Shift(Geometric):
    """Moves by up to ``amount`` of the image's size, or (horizontal, vertical) amounts."""

    def __init__(self, amount=0.1, padding_mode="zeros"):
        super().__init__(padding_mode)
        self.amount = amount if isinstance(amount, (tuple, list)) else (amount, amount)

    def draw(self, x, rng):
        m = _identity(x)
        for k in range(2):
            m[:, k, 2] = 2 * rng.uniform(-self.amount[k], self.amount[k], len(x))
        return m


class Flip(Geometric):
    """Mirrors left and right, or with ``vertical`` top and bottom, each image with chance ``p``."""

    def __init__(self, p=0.5, vertical=False):
        super().__init__()
        self.p = p
        self.vertical = vertical

    def apply(self, x, rng):
        flipped = x[:, :, ::-1] if self.vertical else x[..., ::-1]
        return np.where(self._drawn(x, rng)[:, None, None, None], flipped, x)

    def draw(self, x, rng):
        m = _identity(x)
        k = int(self.vertical)
        m[self._drawn(x, rng), k, k] = -1
        return m

    def _drawn(self, x, rng):
        return rng.random(len(x)) < self.p


class Zoom(Geometric):
    """Enlarges by a factor from ``scale``, (low, high); below 1 the image shrinks."""

    def __init__(self, scale=(0.9, 1.1), padding_mode="zeros"):
        super().__init__(padding_mode)
        self.scale = scale

    def draw(self, x, rng):
        m = _identity(x)
        m[:, [0, 1], [0, 1]] /= rng.uniform(*self.scale, (len(x), 1)).astype(x.dtype)
        return m


class Rotate(Geometric):
    """Turns around the middle by up to ``degrees``, or by (low, high)."""

    def __init__(self, degrees=15.0, padding_mode="zeros"):
        super().__init__(padding_mode)
        self.degrees = both_ways("Rotate: degrees", degrees)

    def draw(self, x, rng):
        angle = np.radians(rng.uniform(*self.degrees, len(x)))
        height, width = x.shape[2:]
        m = _identity(x)
        m[:, 0, 0] = m[:, 1, 1] = np.cos(angle)
        m[:, 0, 1] = -np.sin(angle) * height / width
        m[:, 1, 0] = np.sin(angle) * width / height
        return m


class Shear(Geometric):
    """Slants upright lines by up to ``degrees``, or by (low, high)."""

    def __init__(self, degrees=10.0, padding_mode="zeros"):
        super().__init__(padding_mode)
        self.degrees = both_ways("Shear: degrees", degrees)

    def draw(self, x, rng):
        m = _identity(x)
        slant = np.tan(np.radians(rng.uniform(*self.degrees, len(x))))
        m[:, 0, 1] = slant * x.shape[2] / x.shape[3]
        return m


class Elastic(Geometric):
    """Pulls every pixel ``alpha`` pixels far (root mean square) in smoothly changing directions.

    ``sigma`` is how far, in pixels, neighbours go together (Simard et al., 2003).
    """

    def __init__(self, alpha=1.0, sigma=4.0, padding_mode="zeros"):
        super().__init__(padding_mode)
        self.alpha = alpha
        self.sigma = sigma

    def draw(self, x, rng):
        height, width = x.shape[2:]
        rows, columns = (_bumps(size, self.sigma, x.dtype) for size in (height, width))
        pulls = rng.standard_normal((len(x), 2, rows.shape[1], columns.shape[1]), np.float32)
        pixel = np.array([2 / width, 2 / height], x.dtype).reshape(2, 1, 1)
        pulls = pulls * (pixel * x.dtype.type(self.alpha / math.sqrt(2)))
        return K.matmul(K.matmul(rows, pulls), columns.T)


def warp(x, changes, padding_mode):
    """``x`` after all ``changes``, what :meth:`Geometric.draw` gave, read once."""
    grid, matrix = _places(x), None
    for change in reversed(changes):  # from the result's places back to the image's
        if change.shape[1:] == (2, 3):
            matrix = change if matrix is None else _after(change, matrix)
            continue
        grid = _moved(grid, _identity(x) if matrix is None else matrix)
        for k in range(2):
            grid[..., k] += change[:, k].reshape(grid.shape[:2])
        matrix = None
    grid = grid if matrix is None else _moved(grid, matrix)
    return K.grid_sample(x, grid.reshape(-1, *x.shape[2:], 2), padding_mode=padding_mode)


def _identity(x):
    return np.tile(np.eye(2, 3, dtype=x.dtype), (len(x), 1, 1))


def _places(x):
    """(H * W, 3): where the pixels' centres are, and 1."""
    rows, columns = ((2 * np.arange(n) + 1) / n - 1 for n in x.shape[2:])
    places = np.broadcast_arrays(columns, rows[:, None], 1.0)
    return np.stack(places, axis=-1).reshape(-1, 3).astype(x.dtype)


def _moved(grid, matrix):
    """``matrix`` (N, 2, 3) of every place of ``grid`` (H * W, 3) or (N, H * W, 2)."""
    if grid.ndim == 2:
        return np.matmul(grid, matrix.swapaxes(1, 2))
    return K.matmul(grid, matrix[:, :, :2].swapaxes(1, 2)) + matrix[:, None, :, 2]


def _after(outer, inner):
    """One matrix for ``inner`` and then ``outer``."""
    product = outer[:, :, :2] @ inner
    product[:, :, 2] += outer[:, :, 2]
    return product


def _bumps(size, sigma, dtype):
    """(size, count): Gaussian bumps ``sigma`` apart, on and around an axis; rows have norm 1."""
    middles = np.arange(-2 * sigma, size + 3 * sigma, sigma)
    weights = np.exp(-0.5 * ((np.arange(size)[:, None] - middles) / sigma) ** 2)
    return (weights / np.sqrt(np.square(weights).sum(axis=1, keepdims=True))).astype(dtype)
