"""float16 and bfloat16: storage of 16 bits, sums in float32. The CUDA kernels alone take them."""

import functools

import numpy as np
import pytest

import reference as R
from cases import CASES
from support import LAYOUTS, C, is_float
from tatami import _core
from tatami import kernels as K

EMULATED = _core.isas() == ["cuda"]
pytestmark = pytest.mark.skipif(not EMULATED, reason="16 bits are for CUDA")

try:
    from ml_dtypes import bfloat16, finfo
except ImportError:
    DTYPES = [np.dtype(np.float16)]
    finfo = np.finfo
else:
    DTYPES = [np.dtype(np.float16), np.dtype(bfloat16)]

every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
NAMES = sorted({case.name for case in CASES})


def cases_of(name):
    return [case for case in CASES if case.name == name]


def inputs(case, dtype, n, whole=False):
    """The arrays of a case with 16 bits, and the same numbers as float64."""
    arrays = case.inputs(np.float64, n, whole=whole)
    narrow = [a.astype(dtype) if is_float(a) else a for a in arrays]
    wide = [a.astype(np.float64) if is_float(b) else b for a, b in zip(narrow, arrays, strict=True)]
    return narrow, wide


@every_dtype
@pytest.mark.parametrize("name", NAMES)
def test_values(name, dtype):
    """As for float32: off by no more than C eps |a| op |b|, eps that of the result's dtype."""
    for case in cases_of(name):
        for n in (1, 3):
            arrays, wide = inputs(case, dtype, n)
            results = case.run(K, arrays)
            for y, ref, bound in zip(results, case.run(R, wide), case.bounds(wide), strict=True):
                assert y.shape == np.shape(ref), str(case)
                if np.asarray(ref).dtype.kind != "f":
                    np.testing.assert_array_equal(y, ref, str(case))
                    continue
                assert y.dtype == dtype, f"{case}: {y.dtype}"
                allowed = C * float(finfo(dtype).eps) * np.abs(bound) + float(finfo(dtype).tiny)
                error = np.abs(y.astype(np.float64) - ref)
                assert (error <= allowed).all(), f"{case} n={n}: {np.max(error / allowed)} C eps"


@every_dtype
@pytest.mark.parametrize("name", sorted({case.name for case in CASES if case.exact}))
def test_whole_numbers_are_rounded_once(name, dtype):
    for case in cases_of(name):
        if not case.exact:
            continue
        arrays, wide = inputs(case, dtype, 3, whole=True)
        for y, ref in zip(case.run(K, arrays), case.run(R, wide), strict=True):
            np.testing.assert_array_equal(y, np.asarray(ref).astype(y.dtype), str(case))


def same(y, expected):
    """Equal bits, and NaN where the other has one of any payload."""
    y, expected = np.atleast_1d(y), np.atleast_1d(expected)
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(y), nan)
    np.testing.assert_array_equal(y[~nan].view(np.uint16), expected[~nan].view(np.uint16))


@every_dtype
def test_every_number_is_read_and_rounded_to_nearest_even(dtype):
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    wide = x.astype(np.float32)
    with np.errstate(all="ignore"):
        same(K.relu(x), np.where(wide < 0, np.float32(0), wide).astype(dtype))
        for alpha in np.float32([0.1, 0.5, 3.0, 2.0**-12, 2.0**-20]):
            wanted = np.where(wide < 0, wide * alpha, wide).astype(dtype)
            same(K.leaky_relu(x, float(alpha)), wanted)


@every_dtype
def test_sums_are_float32(dtype):
    """1 + 1 + ... stands still at 2048 (float16) or 256 (bfloat16) if it is summed in 16 bits."""
    ones = np.ones((1, 4096), dtype)
    assert float(K.matmul(ones, ones.T)[0, 0]) == 4096
    assert float(K.global_norm([np.ones(1 << 14, dtype)])) == 128
    assert float(K.mse_loss(ones * 2, ones)) == 1
    assert float(K.avg_pool2d(np.ones((1, 1, 64, 64), dtype), 64)[0, 0, 0, 0]) == 1
    y = K.softmax(ones, -1)
    same(y, np.full(y.shape, 1 / 4096).astype(dtype))
    gathered = K.embedding_grad(np.ones((4096, 2), dtype), np.zeros(4096, np.int64), (1, 2))
    same(gathered, np.full((1, 2), 4096).astype(dtype))


@every_dtype
@pytest.mark.parametrize(
    "name", ["relu", "softmax", "matmul", "layer_norm", "conv2d", "max_pool2d"]
)
def test_any_layout_gives_the_same_bits(name, dtype):
    for case in cases_of(name):
        arrays, _ = inputs(case, dtype, 3)
        wanted = case.run(K, arrays)
        for label, layout in LAYOUTS.items():
            if label == "big endian" and dtype != np.float16:
                continue  # ml_dtypes has none
            laid_out = [layout(a) if isinstance(a, np.ndarray) else a for a in arrays]
            for y, ref in zip(case.run(K, laid_out), wanted, strict=True):
                assert y.dtype == ref.dtype and y.tobytes() == ref.tobytes()


@every_dtype
def test_two_dtypes_in_one_call_are_refused(dtype):
    a = np.ones((2, 2), dtype)
    with pytest.raises(TypeError, match=f"{dtype}.*float32"):
        K.matmul(a, a.astype(np.float32))
    with pytest.raises(TypeError, match=f"float32.*{dtype}"):
        K.relu(a, out=np.empty((2, 2), np.float32))


@functools.cache
def sizes():
    rng = np.random.default_rng(0)
    return [*rng.integers(1, 80, (6, 3)).tolist(), [1, 1, 1], [129, 65, 33], [64, 128, 512]]


@every_dtype
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_products_of_any_size_and_layout(dtype, transposed):
    rng = np.random.default_rng(1)
    for m, n, k in sizes():
        a = rng.standard_normal((m, k)).astype(dtype)
        b = rng.standard_normal((k, n)).astype(dtype)
        wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
        left = np.ascontiguousarray(a.T).T if transposed[0] else a
        right = np.ascontiguousarray(b.T).T if transposed[1] else b
        error = np.abs(K.matmul(left, right).astype(np.float64) - wide_a @ wide_b)
        # the rounding of the result, and that of float32 sums
        allowed = float(finfo(dtype).eps) / 2 * np.abs(wide_a @ wide_b)
        allowed = allowed + k * 2.0**-24 * (np.abs(wide_a) @ np.abs(wide_b))
        assert (error <= allowed).all(), (m, n, k)


@every_dtype
def test_nan_and_infinities_go_through_products(dtype):
    a, b = np.ones((70, 40), dtype), np.ones((40, 50), dtype)
    a[3, 5], a[64, 0], b[39, 49] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        wanted = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_array_equal(K.matmul(a, b).astype(np.float64), wanted)
