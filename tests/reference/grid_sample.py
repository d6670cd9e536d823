"""Images read at any places, one tent function an axis: y = rows @ x @ columns at each place."""

import numpy as np

from reference.activation import f64

__all__ = ["grid_sample", "grid_sample_grad"]


def _shares(place, size, mode, padding_mode, align_corners):
    """(..., size): the share of each pixel of an axis at each place, and its derivative."""
    scale = (size - 1) / 2 if align_corners else size / 2
    at = f64(place) * scale + (size - 1) / 2
    moves = np.ones(at.shape)
    if padding_mode == "border":
        moves = ((at > 0) & (at < size - 1)) * 1.0
        at = np.clip(at, 0, size - 1)
    if mode == "nearest":
        at, moves = np.round(at), 0 * moves
    away = np.arange(size) - at[..., None]
    near = np.abs(away) < 1
    return near * (1 - np.abs(away)), near * np.sign(away) * moves[..., None] * scale


def _axes(x, grid, *settings):
    return [_shares(grid[..., k], x.shape[3 - k], *settings) for k in (1, 0)]


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    (rows, _), (columns, _) = _axes(x, grid, mode, padding_mode, align_corners)
    return np.einsum("nijh,nchw,nijw->ncij", rows, f64(x), columns)


def grid_sample_grad(grad_y, x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    (rows, down), (columns, along) = _axes(x, grid, mode, padding_mode, align_corners)
    gy = f64(grad_y)
    across = np.einsum("ncij,nijh,nchw,nijw->nij", gy, rows, f64(x), along)
    up = np.einsum("ncij,nijh,nchw,nijw->nij", gy, down, f64(x), columns)
    return np.einsum("nijh,ncij,nijw->nchw", rows, gy, columns), np.stack([across, up], axis=-1)
