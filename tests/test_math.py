"""The vector functions under the activations, in units in the last place."""

import numpy as np
import pytest

from conftest import ISAS
from reference import activation as reference
from tatami import _core
from tatami import kernels as K

# Name to bound in ulp, counted where neither the result nor a factor of it is denormal.
BOUNDS = {"elu": 2, "sigmoid": 3, "tanh": 3, "softplus": 3, "silu": 4, "gelu": 6}


def sweep(stride):
    """Every stride-th float32 bit pattern, both signs, denormals, infinities and NaN included."""
    return np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)


def points(stride):
    dense = np.linspace(-110, 110, 2**32 // stride, dtype=np.float32)
    ends = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    return np.concatenate([sweep(stride), dense, ends])


def ulps(y, exact, tiny):
    """Distance from the exact value in spacings of y's dtype, at least that at `tiny`."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(y.dtype)
        spacing = np.spacing(np.maximum(np.abs(rounded), y.dtype.type(tiny)))
        error = np.abs(y.astype(exact.dtype) - exact) / spacing
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


@pytest.mark.parametrize("name", BOUNDS)
def test_float32_within_bounds(isa, name):
    x = points(40009 if name == "gelu" else 1999)
    with np.errstate(all="ignore"):
        exact = getattr(reference, name)(x)
    error = ulps(getattr(K, name)(x), exact, 1e-36)
    assert error.max() <= BOUNDS[name], (x[error.argmax()], error.max())


def test_float32_exp_within_two_ulp_and_denormal_results(isa):
    x = -np.abs(points(1999))
    with np.errstate(all="ignore"):
        exact = np.exp(x.astype(np.float64))
    error = ulps(K.elu_grad(np.ones_like(x), x), exact, 0)
    assert error.max() <= 1.5, (x[error.argmax()], error.max())


def test_float32_logistic_slope_within_six_ulp(isa):
    x = points(1999)
    with np.errstate(all="ignore"):
        e = np.exp(-np.abs(x.astype(np.float64)))
        exact = e / (1 + e) / (1 + e)
    error = ulps(K.sigmoid_grad(np.ones_like(x), x), exact, 1e-36)
    assert error.max() <= 6, (x[error.argmax()], error.max())


def logistic(x):
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


EXTENDED = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "sigmoid": logistic,
    "tanh": np.tanh,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "silu": lambda x: x * logistic(x),
}


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no longer float here")
@pytest.mark.parametrize("name", EXTENDED)
def test_float64_within_bounds(isa, name):
    rng = np.random.default_rng(1)
    magnitudes = np.exp(rng.uniform(-745, 6, 100_000))
    x = np.concatenate([np.linspace(-750, 750, 200_001), magnitudes, -magnitudes])
    error = ulps(getattr(K, name)(x), EXTENDED[name](x.astype(np.longdouble)), 1e-300)
    assert error.max() <= BOUNDS[name], (x[error.argmax()], error.max())


# gelu to 17 digits, computed with 40.
GELU = {
    -37.0: -2.1184613523340935e-298,
    -30.5: -3.973960635193133e-203,
    -20.25: -3.596804726522879e-90,
    -10.0: -7.619853024160526e-23,
    -5.5: -1.0444259356238245e-07,
    -2.0: -0.04550026389635842,
    -1.0: -0.15865525393145705,
    -0.5: -0.15426876936299344,
    0.5: 0.34573123063700656,
    3.0: 2.99595030590511,
}


def test_float64_gelu_keeps_its_left_tail(isa):
    np.testing.assert_allclose(K.gelu(np.array([*GELU])), [*GELU.values()], rtol=2e-15)


def test_every_instruction_set_with_fma_gives_the_same_bits():
    vectors = [name for name in ISAS if name != "portable"]
    if len(vectors) < 2:
        pytest.skip("one instruction set with FMA")
    before = _core.isa()
    for name in BOUNDS:
        for dtype in (np.float32, np.float64):
            with np.errstate(invalid="ignore"):
                x = points(20011).astype(dtype)
            results = []
            for isa in vectors:
                _core.set_isa(isa)
                results.append(getattr(K, name)(x))
            _core.set_isa(before)
            for other in results[1:]:
                np.testing.assert_array_equal(results[0], other, strict=True)
