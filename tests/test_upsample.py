"""Upsampling beyond the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference as R
from sources import Source
from support import assert_close
from tatami import kernels as K

scales = st.integers(1, 5)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(1, 20), scales, scales)
def test_random_sizes(h, w, vertical, horizontal):
    scale = vertical, horizontal
    for dtype in (np.float32, np.float64):
        x = Source(0)(2, 2, h, w).astype(dtype)
        y = K.upsample2d(x, scale)
        np.testing.assert_array_equal(y, x.repeat(vertical, 2).repeat(horizontal, 3))
        gy = Source(1)(*y.shape).astype(dtype)
        for mode in ("nearest", "bilinear"):
            bound = R.upsample2d(np.abs(x), scale, mode)
            assert_close(K.upsample2d(x, scale, mode), R.upsample2d(x, scale, mode), bound)
            grad = K.upsample2d_grad(gy, x.shape, scale, mode)
            bound = R.upsample2d_grad(np.abs(gy), x.shape, scale, mode)
            assert_close(grad, R.upsample2d_grad(gy, x.shape, scale, mode), bound)


def test_constants_stay_constant_and_nan_spreads_to_its_neighbours_only(isa):
    x = np.full((1, 1, 5, 19), 3.0, np.float32)
    assert (K.upsample2d(x, 3, "bilinear") == 3).all()
    x[0, 0, 2, 7] = np.nan
    y = K.upsample2d(x, 2, "bilinear")
    far = np.ones(y.shape, bool)
    far[0, 0, 2:8, 12:18] = False
    assert (y[far] == 3).all()
    assert np.isnan(y[0, 0, 4:6, 14:16]).all()


def test_impossible_settings():
    x = np.ones((1, 2, 3, 4), np.float32)
    for scale in (0, -1, (2, 0), (1, 2, 3)):
        with pytest.raises(ValueError, match=r"^upsample2d: scale"):
            K.upsample2d(x, scale)
    with pytest.raises(TypeError, match=r"^upsample2d: scale"):
        K.upsample2d(x, 1.5)
    with pytest.raises(ValueError, match=r"^upsample2d: mode .*'bicubic'"):
        K.upsample2d(x, 2, "bicubic")
    with pytest.raises(ValueError, match=r"^upsample2d: x .*\(2, 3, 4\)"):
        K.upsample2d(x[0], 2)
    with pytest.raises(
        ValueError, match=r"^upsample2d_grad: grad_y .*\(1, 2, 3, 4\).*\(1, 2, 6, 8\)"
    ):
        K.upsample2d_grad(x, x.shape, 2)
