"""The softmax family beyond the table: any axis and length, extremes, special values."""

import numpy as np
import pytest

import reference as R
from sources import Source
from support import assert_close
from tatami import kernels as K

DTYPES = (np.float32, np.float64)


def bounds(x, axis):
    """Magnitudes of softmax and log_softmax: x minus the maximum is rounded once."""
    span = np.abs(x) + np.abs(x).max(axis=axis, keepdims=True)
    return R.softmax(x, axis) * (1 + span), 1 + span + np.abs(R.log_softmax(x, axis))


def test_every_length(isa):
    for dtype in DTYPES:
        for length in (*range(1, 40), 63, 64, 65, 127, 1000):
            x = (3 * Source(length)(3, length)).astype(dtype)
            soft, log = bounds(x.astype(np.float64), -1)
            assert_close(K.softmax(x), R.softmax(x), soft, f"{length}")
            assert_close(K.log_softmax(x), R.log_softmax(x), log, f"{length}")


def test_every_axis(isa):
    for dtype in DTYPES:
        for shape in ((3, 5, 7), (2, 17, 33), (4, 3, 2, 19), (6,)):
            x = (3 * Source(0)(*shape)).astype(dtype)
            for axis in range(-len(shape), len(shape)):
                soft, log = bounds(x.astype(np.float64), axis)
                assert_close(K.softmax(x, axis), R.softmax(x, axis), soft)
                assert_close(K.log_softmax(x, axis), R.log_softmax(x, axis), log)


def test_extremes_never_overflow(isa):
    for dtype in DTYPES:
        big = np.finfo(dtype).max / 8
        for x in ([big, 0, -big], [big, big], [-big, -big, -big], [1e4, 1e4 - 1], [-1e4, 0]):
            x = np.tile(np.array(x, dtype), (3, 1))
            soft, log = bounds(x.astype(np.float64), -1)
            assert_close(K.softmax(x), R.softmax(x), soft)
            assert_close(K.log_softmax(x), R.log_softmax(x), log)
            assert_close(K.softmax(x).sum(axis=1), np.ones(3), 1)


def test_nan_and_infinities(isa):
    for dtype in DTYPES:
        for width in (3, 40):
            x = Source(0)(5, width).astype(dtype)
            x[0, 1] = np.nan
            x[1, 2] = -np.inf
            x[2] = -np.inf
            x[3, 0] = np.inf
            soft, log = K.softmax(x), K.log_softmax(x)
            assert np.isnan(soft[0]).all() and np.isnan(log[0]).all()
            assert soft[1, 2] == 0 and log[1, 2] == -np.inf
            assert np.isclose(soft[1].sum(), 1)
            assert np.isnan(soft[2]).all() and np.isnan(log[2]).all(), "no class is possible"
            assert np.isnan(soft[3, 0])
            assert np.isfinite(soft[4]).all()


def test_gradients_stay_in_their_rows(isa):
    y = R.softmax(Source(0)(4, 37)).astype(np.float32)
    gy = Source(1)(4, 37).astype(np.float32)
    gy[2, 5] = np.nan
    for name, output in (("softmax_grad", y), ("log_softmax_grad", np.log(y))):
        found = getattr(K, name)(gy, output)
        assert np.isnan(found[2]).any() and np.isfinite(found[[0, 1, 3]]).all()


def test_in_place():
    for function in (K.softmax, K.log_softmax):
        for axis in (0, 1):
            x = Source(0)(9, 37).astype(np.float32)
            wanted = function(x, axis)
            assert function(x, axis, out=x) is x
            np.testing.assert_array_equal(x, wanted)


def test_empty_axes(isa):
    assert K.softmax(np.ones((3, 0), np.float32)).shape == (3, 0)
    assert K.softmax(np.ones((3, 0), np.float32), axis=0).shape == (3, 0)
    assert K.log_softmax_grad(np.ones((0, 3)), np.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("axis", [2, -3, 10**9])
def test_axes_that_are_not_there(axis):
    x = np.ones((3, 4), np.float32)
    for name in ("softmax", "log_softmax"):
        with pytest.raises(ValueError, match=rf"^{name}: axis .*{axis}.*\(3, 4\)"):
            getattr(K, name)(x, axis)
        with pytest.raises(ValueError, match=rf"^{name}_grad: axis .*{axis}.*\(3, 4\)"):
            getattr(K, f"{name}_grad")(x, x, axis)


def test_gradient_shapes_must_agree():
    with pytest.raises(ValueError, match=r"^softmax_grad: grad_y .*\(3, 4\).*\(3, 5\)"):
        K.softmax_grad(np.ones((3, 4), np.float32), np.ones((3, 5), np.float32))
