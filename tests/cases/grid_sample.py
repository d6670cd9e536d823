"""Images read at any places; rounding moves a place, so bounds hold its shift too."""

import numpy as np

from cases.case import Case

SETTINGS = (
    {},
    {"padding_mode": "border"},
    {"align_corners": True},
    {"mode": "nearest", "padding_mode": "border", "align_corners": True},
    {"mode": "nearest"},
)
H, W = 6, 5


def _places(source, n):
    """In the image and around it, away from where neighbours change."""
    rows, columns = 4, 9
    cells = np.stack([source.below(W + 2, n, rows, columns), source.below(H + 2, n, rows, columns)])
    inside = 0.2 + 0.2 * source.below(2, 2, n, rows, columns)
    pixels = cells - 1.0 + inside + 0.001 * source.mask(2, n, rows, columns)
    size = np.array([W, H]).reshape(2, 1, 1, 1)
    return np.moveaxis((2 * pixels + 1) / size - 1, 0, -1)


def _case(settings):
    def bound(x, grid):
        return np.full((len(x), 3, *grid.shape[1:3]), 4 * (H + W) * np.abs(x).max(initial=0))

    def grad_bound(gy, x, grid):
        most = 16 * (H + W) * np.abs(x).max(initial=0) * np.abs(gy).max(initial=0)
        return np.full(x.shape, most * grid[0, ..., 0].size), np.full(grid.shape, most * 3 * W)

    def arrays(source, n):
        return [source(n, 3, H, W), _places(source, n)]

    return [
        Case("grid_sample", lambda K, *a: K.grid_sample(*a, **settings), arrays, bound,
             batch=(0, (0, 1)), large=600, label=str(settings)),
        Case("grid_sample_grad", lambda K, *a: K.grid_sample_grad(*a, **settings),
             lambda source, n: [source(n, 3, 4, 9), *arrays(source, n)], grad_bound,
             batch=(0, (0, 1, 2)), large=600, label=str(settings)),
    ]  # fmt: skip


CASES = [case for settings in SETTINGS for case in _case(settings)]
