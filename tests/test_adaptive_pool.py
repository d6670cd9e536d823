"""Adaptive pooling beyond the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference as R
from marks import looks_at_indices
from sources import Source
from support import assert_close
from tatami import kernels as K

sizes = st.integers(1, 24)
X = (1, 2, 6, 6)


def whole(*shape, seed=0):
    return Source(seed, whole=True)(*shape).astype(np.float32)


@settings(max_examples=100, deadline=None)
@given(sizes, sizes, sizes, sizes)
def test_random_adaptive_windows(h, w, p, q):
    x = whole(2, 3, h, w)
    wanted, places = R.adaptive_max_pool2d(x, (p, q), return_indices=True)
    y, indices = K.adaptive_max_pool2d(x, (p, q), return_indices=True)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(indices, places)
    gy = whole(2, 3, p, q, seed=1)
    grad = K.adaptive_max_pool2d_grad(gy, indices, x.shape)
    np.testing.assert_array_equal(grad, R.adaptive_max_pool2d_grad(gy, indices, x.shape))
    mean, grad = K.adaptive_avg_pool2d(x, (p, q)), K.adaptive_avg_pool2d_grad(gy, x.shape)
    assert_close(mean, R.adaptive_avg_pool2d(x, (p, q)), R.adaptive_avg_pool2d(np.abs(x), (p, q)))
    bound = R.adaptive_avg_pool2d_grad(np.abs(gy), x.shape)
    assert_close(grad, R.adaptive_avg_pool2d_grad(gy, x.shape), bound)


def test_adaptive_pools_let_nan_through(isa):
    x = Source(0)(1, 2, 7, 19).astype(np.float32)
    x[0, 0, 3, 5], x[0, 1] = np.nan, -np.inf
    for size in (1, (3, 5), (7, 19)):
        np.testing.assert_array_equal(
            K.adaptive_max_pool2d(x, size), R.adaptive_max_pool2d(x, size)
        )
        y = K.adaptive_avg_pool2d(x, size)
        wanted = np.isnan(R.adaptive_max_pool2d(x, size)[:, :1])
        np.testing.assert_array_equal(np.isnan(y[:, :1]), wanted)
        assert (y[:, 1] == -np.inf).all()


def test_worked_examples():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    assert K.adaptive_avg_pool2d(x, 1).item() == 7.5
    assert K.adaptive_max_pool2d(x, (1, 3))[0, 0].tolist() == [[13, 14, 15]]


@looks_at_indices
@pytest.mark.parametrize("bad", [-1, 36, 2**40, -(2**63)])
def test_places_outside_the_image_are_refused(bad):
    indices = np.zeros((1, 2, 3, 3), np.int64)
    indices[0, 1, 2, 1] = bad
    gy = np.ones((1, 2, 3, 3), np.float32)
    with pytest.raises(ValueError, match=rf"^adaptive_max_pool2d_grad: indices .*{bad}"):
        K.adaptive_max_pool2d_grad(gy, indices, X)


@looks_at_indices
@pytest.mark.parametrize("bad", [-1, 36, 2**40, -(2**63)])
def test_places_outside_a_plane_of_one_window_are_refused(bad):
    gy = np.ones((1, 2, 1, 1), np.float32)
    indices = np.array([[[[3]], [[bad]]]])
    with pytest.raises(ValueError, match=rf"^adaptive_max_pool2d_grad: indices .*{bad}"):
        K.adaptive_max_pool2d_grad(gy, indices, X)
    with pytest.raises(ValueError, match=rf"^max_pool2d_grad: indices .*{bad}"):
        K.max_pool2d_grad(gy, indices, X, kernel_size=X[2:])


def test_gradients_check_their_shapes():
    gy, indices = np.ones((1, 2, 3, 3), np.float32), np.zeros((1, 2, 3, 3), np.int64)
    with pytest.raises(ValueError, match=r"_grad: (grad_y|indices) .*\(1, 2, 3, 2\)"):
        K.adaptive_max_pool2d_grad(gy, indices[..., :2], X)
    with pytest.raises(ValueError, match=r"^adaptive_avg_pool2d_grad: .*\(1, 3, 6, 6\)"):
        K.adaptive_avg_pool2d_grad(gy, (1, 3, 6, 6))


def test_adaptive_sizes_are_checked():
    x = np.ones(X, np.float32)
    for function in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        for size in (-1, (3, -1), (1, 2, 3)):
            with pytest.raises(ValueError, match=rf"^{function}: output_size"):
                getattr(K, function)(x, size)
        with pytest.raises(ValueError, match=rf"^{function}: x .*\(2, 6, 6\)"):
            getattr(K, function)(x[0], 2)
