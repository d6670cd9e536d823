"""Activations beyond the table: every length, the whole range of floats, special values."""

import numpy as np
import pytest

import reference as R
from sources import Source
from support import assert_close, assert_same_bits
from tatami import kernels as K

DTYPES = (np.float32, np.float64)
NAMES = ("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus")
every_name = pytest.mark.parametrize("name", NAMES)


def sweep(dtype):
    """Both signs of every magnitude that is a normal number, and the usual ones."""
    limits = np.finfo(dtype)
    magnitudes = 2.0 ** np.linspace(limits.minexp, limits.maxexp - 3, 2001)
    usual = np.linspace(-30, 30, 4001)
    return np.concatenate([magnitudes, -magnitudes, usual, [0.0, -0.0]]).astype(dtype)


@every_name
def test_values_over_the_whole_range(name, isa):
    """Within the rounding of the result, of x through the slope, or of x itself times a density."""
    for dtype in DTYPES:
        x = sweep(dtype)
        wide = x.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            wanted = getattr(R, name)(wide)
            slope = getattr(R, f"{name}_grad")(np.ones_like(wide), wide)
        bound = np.abs(wanted) + np.abs(np.where(np.isfinite(wide * slope), wide * slope, 0))
        if name == "gelu":  # its factor 1 + erf(x) cannot be better than 1's rounding
            bound = bound + np.abs(wide)
        if name == "softplus":
            bound = bound + np.exp(np.minimum(wide, 0))
        assert_close(getattr(K, name)(x), wanted, bound, name)


@every_name
def test_gradients_over_the_whole_range(name, isa):
    for dtype in DTYPES:
        x = sweep(dtype)
        gy = Source(5)(*x.shape).astype(dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            wanted = getattr(R, f"{name}_grad")(gy, x)
        bound = np.abs(gy) * (1 + np.minimum(np.abs(x.astype(np.float64)), 40))
        assert_close(getattr(K, f"{name}_grad")(gy, x), np.nan_to_num(wanted), bound, name)


@every_name
def test_every_length(name, isa):
    for dtype in DTYPES:
        x = Source(1)(140).astype(dtype)
        whole = getattr(K, name)(x)
        gy = Source(2)(140).astype(dtype)
        grad = getattr(K, f"{name}_grad")(gy, x)
        for n in range(140):
            assert_same_bits(getattr(K, name)(x[:n]), whole[:n], f"{name} of {n}")
            back = getattr(K, f"{name}_grad")(gy[:n], x[:n])
            assert_same_bits(back, grad[:n], f"{name}_grad of {n}")


LIMITS = {  # at -inf and inf
    "relu": (0, np.inf),
    "leaky_relu": (-np.inf, np.inf),
    "elu": (-1, np.inf),
    "gelu": (0, np.inf),
    "silu": (0, np.inf),
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "softplus": (0, np.inf),
}


@every_name
def test_nan_stays_and_infinities_have_their_limits(name, isa):
    for dtype in DTYPES:
        x = np.tile(np.array([np.nan, -np.inf, np.inf, 1.0], dtype), 11)
        y = getattr(K, name)(x)
        assert np.isnan(y[::4]).all() and np.isfinite(y[3::4]).all()
        low, high = LIMITS[name]
        np.testing.assert_array_equal(y[2::4], high)
        if name != "silu":  # there -inf times 0 may be NaN, as in PyTorch
            np.testing.assert_array_equal(y[1::4], low)


@every_name
def test_gradients_take_nan_from_either_argument(name, isa):
    for dtype in DTYPES:
        gy, x = np.ones(37, dtype), np.ones(37, dtype)
        gy[5] = np.nan
        if name not in ("relu", "leaky_relu"):
            x[7] = np.nan
        back = getattr(K, f"{name}_grad")(gy, x)
        np.testing.assert_array_equal(np.isnan(back), np.isnan(gy) | np.isnan(x))


@every_name
def test_in_place(name):
    x = Source(1)(3, 45).astype(np.float32)
    wanted = getattr(K, name)(x)
    assert getattr(K, name)(x, out=x) is x
    assert_same_bits(x, wanted, name)


@every_name
def test_any_rank(name):
    for shape in ((), (1,), (2, 3, 4, 5, 6), (1, 0, 3)):
        x = Source(1)(*shape).astype(np.float32)
        assert_close(getattr(K, name)(x), getattr(R, name)(x), 1 + np.abs(x), name)


def test_relu_keeps_zero_and_leaky_relu_its_slope():
    x = np.array([-2.0, -0.0, 0.0, 3.0], np.float32)
    np.testing.assert_array_equal(K.relu(x), [0, 0, 0, 3])
    np.testing.assert_array_equal(K.leaky_relu(x, 0.5), [-1, 0, 0, 3])
    np.testing.assert_array_equal(K.relu_grad(np.ones_like(x), x), [0, 0, 0, 1])
    np.testing.assert_array_equal(K.leaky_relu_grad(np.ones_like(x), x, 0.5), [0.5, 0.5, 0.5, 1])


def test_gradients_where_x_is_nan_or_grad_y_infinite(isa):
    x, grad_y = (np.repeat(np.float32([[np.nan, -1], [2, np.inf]]), 20, axis=1)[i] for i in (0, 1))
    np.testing.assert_array_equal(K.relu_grad(grad_y, x), R.relu_grad(grad_y, x))
    np.testing.assert_array_equal(K.relu_grad(grad_y, x), np.repeat([2, 0], 20))
    np.testing.assert_array_equal(K.leaky_relu_grad(grad_y, x, 0.5), np.repeat([1, np.inf], 20))


def test_gradient_shapes_must_agree():
    with pytest.raises(ValueError, match=r"^relu_grad: grad_y .*\(3,?\).*\(4,?\)"):
        K.relu_grad(np.ones(3, np.float32), np.ones(4, np.float32))
