"""Reading images at any places beyond the table: known pictures, NaN, the edges."""

import itertools

import numpy as np
import pytest

from tatami import kernels as K

X = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
MODES = ["bilinear", "nearest"], ["zeros", "border"], [False, True]


def centres(rows, columns):
    """The grid that reads every pixel where it is."""
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return np.stack([(2 * j + 1) / columns - 1, (2 * i + 1) / rows - 1], -1)[None]


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_the_identity_and_its_mirror_image(mode, isa):
    grid = centres(3, 4).astype(np.float32)
    np.testing.assert_array_equal(K.grid_sample(X, grid, mode), X)
    np.testing.assert_array_equal(K.grid_sample(X, grid * np.float32([-1, 1]), mode), X[..., ::-1])


def test_outside_lie_zeros_or_the_border():
    grid = np.array([[[[-9.0, 0.0], [9.0, -9.0], [-1.0, 0.0]]]], np.float32)
    np.testing.assert_array_equal(K.grid_sample(X, grid)[0, 0, 0], [0, 0, 2])
    np.testing.assert_array_equal(K.grid_sample(X, grid, padding_mode="border")[0, 0, 0], [4, 3, 4])


def test_what_is_not_finite_stays_where_it_is_read(isa):
    x = X.copy()
    x[0, 0, 0, 0] = np.nan
    grid = np.array([[[[-9.0, -9.0], [np.nan, 0.0], [np.inf, 0.0], [0.5, 0.5]]]], np.float32)
    y = K.grid_sample(x, grid)[0, 0, 0]
    assert y[0] == 0 and np.isnan(y[1]) and y[2] == 0 and y[3] == 9.5
    grads = K.grid_sample_grad(np.ones((1, 1, 1, 4), np.float32), X, grid)
    assert grads[0].shape == X.shape and not np.isnan(grads[1][0, 0, 3]).any()


@pytest.mark.parametrize("how", list(itertools.product(*MODES)))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_places_beyond_all_bounds_are_merely_outside(how, dtype, isa):
    far = [np.inf, -np.inf, 1e30, -1e30, 3e9, -3e9, np.finfo(np.float32).max, 0.3]
    grid = np.array(list(itertools.product(far, far)), dtype).reshape(1, 8, 8, 2)
    near = np.clip(grid, -9, 9)
    x, g = X.astype(dtype), np.ones((1, 1, 8, 8), dtype)
    np.testing.assert_array_equal(K.grid_sample(x, grid, *how), K.grid_sample(x, near, *how))
    for one, other in zip(
        K.grid_sample_grad(g, x, grid, *how), K.grid_sample_grad(g, x, near, *how), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    grid[..., 0] = np.nan
    assert np.isnan(K.grid_sample(x, grid, *how)).all()
    assert all(part.shape for part in K.grid_sample_grad(g, x, grid, *how))  # returned at all


def test_what_does_not_fit_is_refused():
    grid = np.zeros((1, 2, 2, 2), np.float32)
    for x, places, says in (
        (X[0], grid, r"x must be \(N, C, H, W\), got shape \(1, 3, 4\)"),
        (X, grid[..., :1], r"grid must be \(1, I, J, 2\).*\(1, 2, 2, 1\)"),
        (X, np.zeros((2, 2, 2, 2), np.float32), r"grid must be \(1, I, J, 2\)"),
        (X[..., :0], grid, "no pixels"),
    ):
        with pytest.raises(ValueError, match=rf"^grid_sample: .*{says}"):
            K.grid_sample(x, places)
    with pytest.raises(ValueError, match=r"mode is 'bicubic'; .*'nearest'"):
        K.grid_sample(X, grid, "bicubic")
    with pytest.raises(ValueError, match=r"padding_mode is 'reflection'"):
        K.grid_sample(X, grid, padding_mode="reflection")
    with pytest.raises(ValueError, match=r"grid_sample_grad: grad_y has shape \(1, 1, 3, 4\)"):
        K.grid_sample_grad(X, X, grid)
