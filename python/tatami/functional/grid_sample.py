"""Images read at any places."""

import numpy as np

from .. import kernels as K
from ..autograd import Op
from ..autograd.tensor import array_of
from .elementwise import where
from .indexing import getitem
from .shape import expand_dims


def _neighbours(place, size, mode, padding_mode, align_corners):
    """The two pixels of an axis around each place, and how much each of them counts."""
    at = place * ((size - 1) / 2 if align_corners else size / 2) + (size - 1) / 2
    if padding_mode == "border":
        now = array_of(at)
        inside = (now > 0) & (now < size - 1)
        at = where(inside, at, np.clip(now, 0, size - 1))
    if mode == "nearest":
        at = at * 0 + np.round(array_of(at))  # a gradient of zeros, as the kernel gives
    low = np.floor(array_of(at))
    share = at - low
    for pixel, counts in ((low, 1 - share), (low + 1, share)):
        hit = (pixel >= 0) & (pixel < size) | np.isnan(pixel)
        index = np.where(hit, np.nan_to_num(pixel), 0).astype(np.int64)
        yield index, where(hit, counts, np.zeros_like(low))


def _composed(x, grid, **how):
    n, c, height, width = x.shape
    image, channel = np.ix_(range(n), range(c))
    image, channel = image[..., None, None], channel[..., None, None]
    columns = list(_neighbours(getitem(grid, np.s_[..., 0]), width, **how))
    y = 0
    for row, vertical in _neighbours(getitem(grid, np.s_[..., 1]), height, **how):
        for column, horizontal in columns:
            pixels = getitem(x, (image, channel, row[:, None], column[:, None]))
            y = y + pixels * expand_dims(vertical * horizontal, 1)
    return y


_grid_sample = Op(
    K.grid_sample,
    joint=lambda g, _y, x, grid, **how: K.grid_sample_grad(g, x, grid, **how),
    composed=_composed,
)


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    """``x`` (N, C, H, W) at the places ``grid`` (N, I, J, 2): (N, C, I, J).

    See :func:`tatami.kernels.grid_sample`. Both have gradients.
    """
    how = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    return _grid_sample(x, grid, **how)
