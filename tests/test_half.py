"""float16 and bfloat16: storage of 16 bits, sums in float32. The CUDA kernels take both in every
function, those of the CPU bfloat16 in products."""

import functools

import numpy as np
import pytest

import reference as R
import tatami
from cases import CASES
from conftest import ISAS
from support import LAYOUTS, C, assert_same_bits, guarded, is_float
from tatami import _core
from tatami import kernels as K

EMULATED = _core.isas() == ["cuda"]

try:
    from ml_dtypes import bfloat16, finfo
except ImportError:
    DTYPES = [np.dtype(np.float16)] if EMULATED else []
    finfo = np.finfo
else:
    DTYPES = [np.dtype(np.float16), np.dtype(bfloat16)] if EMULATED else [np.dtype(bfloat16)]

EVERY = sorted({case.name for case in CASES})
PRODUCTS = [n for n in EVERY if n.startswith(("matmul", "linear", "conv", "lstm"))]
NAMES = EVERY if EMULATED else PRODUCTS
of_cuda = pytest.mark.skipif(not EMULATED, reason="on the CPU, products alone take bfloat16")
of_cpu = pytest.mark.skipif(EMULATED, reason="about instruction sets of the CPU")
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
every_name = pytest.mark.parametrize("name", NAMES)


def cases_of(name):
    return [case for case in CASES if case.name == name]


def inputs(case, dtype, n, whole=False):
    """The arrays of a case with 16 bits, and the same numbers as float64."""
    arrays = case.inputs(np.float64, n, whole=whole)
    narrow = [a.astype(dtype) if is_float(a) else a for a in arrays]
    wide = [a.astype(np.float64) if is_float(b) else b for a, b in zip(narrow, arrays, strict=True)]
    return narrow, wide


@every_dtype
@every_name
def test_values(name, dtype, isa):
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
@pytest.mark.parametrize("name", [n for n in NAMES if any(c.exact for c in CASES if c.name == n)])
def test_whole_numbers_are_rounded_once(name, dtype, isa):
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
@of_cuda
def test_every_number_is_read_and_rounded_to_nearest_even(dtype):
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    wide = x.astype(np.float32)
    with np.errstate(all="ignore"):
        same(K.relu(x), np.where(wide < 0, np.float32(0), wide).astype(dtype))
        for alpha in np.float32([0.1, 0.5, 3.0, 2.0**-12, 2.0**-20]):
            wanted = np.where(wide < 0, wide * alpha, wide).astype(dtype)
            same(K.leaky_relu(x, float(alpha)), wanted)


@every_dtype
@of_cpu
def test_products_read_and_round_every_number_to_nearest_even(dtype, isa):
    """But for those below 2^-126, which the instruction takes for zeros."""
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    wide = x.astype(np.float32)
    with np.errstate(all="ignore"):
        for factor in np.array([1, 0.1, -0.5, 3, 2.0**-12], dtype):
            y, wanted = K.matmul(x[:, None], factor[None, None])[:, 0], wide * np.float32(factor)
            normal = ~(np.minimum(np.abs(wide), np.abs(wanted)) < float(finfo(dtype).tiny))
            same(y[normal], wanted[normal].astype(dtype))
            assert (np.abs(y[~normal].astype(np.float32)) <= 4 * float(finfo(dtype).tiny)).all()


@every_dtype
def test_sums_of_products_are_float32(dtype, isa):
    """1 + 1 + ... stands still at 2048 (float16) or 256 (bfloat16) if it is summed in 16 bits."""
    ones = np.ones((1, 4096), dtype)
    assert float(K.matmul(ones, ones.T)[0, 0]) == 4096
    x, w = np.ones((2, 64, 8, 8), dtype), np.ones((5, 64, 8, 8), dtype)
    assert (K.conv2d(x, w).astype(np.float32) == 4096).all()
    y = np.ones((4, 2, 32, 32), dtype)
    assert (K.conv2d_weight_grad(y, y, (2, 2, 1, 1)).astype(np.float32) == 4096).all()


@every_dtype
@of_cuda
def test_sums_are_float32(dtype):
    ones = np.ones((1, 4096), dtype)
    assert float(K.global_norm([np.ones(1 << 14, dtype)])) == 128
    assert float(K.mse_loss(ones * 2, ones)) == 1
    assert float(K.avg_pool2d(np.ones((1, 1, 64, 64), dtype), 64)[0, 0, 0, 0]) == 1
    y = K.softmax(ones, -1)
    same(y, np.full(y.shape, 1 / 4096).astype(dtype))
    gathered = K.embedding_grad(np.ones((4096, 2), dtype), np.zeros(4096, np.int64), (1, 2))
    same(gathered, np.full((1, 2), 4096).astype(dtype))


@every_dtype
@pytest.mark.parametrize(
    "name",
    ["relu", "softmax", "matmul", "layer_norm", "conv2d", "max_pool2d"] if EMULATED else PRODUCTS,
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
        K.matmul(a, a, out=np.empty((2, 2), np.float32))


@functools.cache
def sizes():
    rng = np.random.default_rng(0)
    return [*rng.integers(1, 80, (6, 3)).tolist(), [1, 1, 1], [129, 65, 33], [64, 128, 512]]


@every_dtype
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_products_of_any_size_and_layout(dtype, transposed, isa):
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
def test_nan_and_infinities_go_through_products(dtype, isa):
    a, b = np.ones((70, 40), dtype), np.ones((40, 50), dtype)
    a[3, 5], a[64, 0], b[39, 49] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        wanted = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_array_equal(K.matmul(a, b).astype(np.float64), wanted)


@every_dtype
@of_cpu
@every_name
def test_same_bits_for_any_number_of_threads(name, dtype, isa):
    for case in cases_of(name):
        arrays, _ = inputs(case, dtype, case.large)
        with tatami.threads(1):
            alone = case.run(K, arrays)
        for n in (2, 3, 5):
            with tatami.threads(n):
                for y, one in zip(case.run(K, arrays), alone, strict=True):
                    assert y.tobytes() == one.tobytes(), f"{case} on {n} threads"


@every_dtype
@of_cpu
@pytest.mark.parametrize("name", ["matmul", "linear"])
def test_matrix_products_are_those_of_float32_rounded(name, dtype):
    """Bit for bit on every instruction set with FMA: pairs are added in the order of the sum."""
    before = tatami.isa()
    try:
        for case in cases_of(name):
            narrow, wide = inputs(case, dtype, 70)
            for isa in (isa for isa in ISAS if isa != "portable"):
                _core.set_isa(isa)
                wanted = case.run(K, [a.astype(np.float32) if is_float(a) else a for a in wide])
                for y, ref in zip(case.run(K, narrow), wanted, strict=True):
                    assert y.tobytes() == ref.astype(dtype).tobytes(), f"{case} on {isa}"
    finally:
        _core.set_isa(before)


@every_dtype
@pytest.mark.parametrize("k", [0, 1, 2, 3, 8191, 8193, 20001])
def test_sums_of_any_length(k, dtype, isa):
    rng = np.random.default_rng(k)
    a, b = (rng.integers(-1, 2, shape).astype(dtype) for shape in ((5, k), (k, 40)))
    bias = np.arange(40).astype(dtype)
    wanted = a.astype(np.float32) @ b.astype(np.float32) + bias.astype(np.float32)
    assert K.matmul(a, b, bias).tobytes() == wanted.astype(dtype).tobytes()


@every_dtype
def test_out_is_written_whole_and_nothing_else(dtype, isa):
    a, b = np.ones((13, 7), dtype), np.ones((7, 37), dtype)
    with guarded((13, 37), dtype) as out:
        assert K.matmul(a, b, out=out) is out
        assert (out.astype(np.float32) == 7).all()
    x, w = np.ones((1, 3, 6, 9), dtype), np.ones((5, 3, 3, 3), dtype)
    with guarded((1, 5, 4, 7), dtype) as out:
        assert K.conv2d(x, w, out=out) is out
        assert (out.astype(np.float32) == 27).all()


@every_dtype
@every_name
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's mean of nothing
def test_an_empty_batch_gives_empty_results_and_zero_sums(name, dtype, isa):
    for case in cases_of(name):
        if case.in_place:
            continue
        arrays, wide = inputs(case, dtype, 0)
        for y, ref in zip(case.run(K, arrays), case.run(R, wide), strict=True):
            rounded = np.abs(np.asarray(ref).astype(y.dtype))
            # As float32: of ml_dtypes' NaN nothing is known by its kind.
            assert_same_bits(*(a.astype(np.float32) for a in (np.abs(y), rounded)), str(case))


@every_dtype
@of_cpu
@pytest.mark.parametrize("name", sorted(set(EVERY) - set(PRODUCTS)))
def test_what_takes_no_bfloat16_says_so(name, dtype):
    case = cases_of(name)[0]
    arrays, _ = inputs(case, dtype, 2)
    if any(is_float(a) for a in case.inputs(np.float64, 2)):
        with pytest.raises(TypeError, match="bfloat16; float32 and float64 are supported"):
            case.call(K, *arrays)


@every_dtype
@pytest.mark.parametrize("reverse", [False, True])
def test_lstm_with_rows_that_end_early(reverse, dtype, isa):
    """Odd sizes, forward and backward: off by a few roundings of the largest value, with NaN past
    the rows' ends."""
    for steps, batch, inputs, hidden in ((4, 5, 7, 9), (3, 9, 16, 33), (1, 2, 3, 1), (0, 2, 3, 5)):
        rng = np.random.default_rng(hidden)
        shapes = [(steps, batch, inputs), (4 * hidden, inputs), (4 * hidden, hidden)]
        shapes += [(4 * hidden,)] * 2 + [(batch, hidden)] * 2
        arrays = [(rng.normal(size=s) / hidden**0.5).astype(dtype) for s in shapes]
        grads = [rng.normal(size=s) for s in ((steps, batch, hidden), *shapes[-2:])]
        grads = [g.astype(dtype) for g in grads]
        lengths = np.arange(batch) % (steps + 1)
        wide = [a.astype(np.float64) for a in arrays]
        for n, length in enumerate(lengths):
            arrays[0][length:, n] = np.nan
        options = {"lengths": lengths, "reverse": reverse, "return_cache": True}
        *results, cache = K.lstm(*arrays, **options)
        *wanted, kept = R.lstm(*wide, **options)
        results += K.lstm_grad(*grads, cache)
        wanted += R.lstm_grad(*(g.astype(np.float64) for g in grads), kept)
        for y, ref in zip(results, wanted, strict=True):
            error = np.abs(y.astype(np.float64) - ref).max(initial=0)
            allowed = C * float(finfo(dtype).eps) * np.abs(ref).max(initial=0)
            assert error <= allowed, f"{steps} {batch} {inputs} {hidden}: {error / allowed} C eps"
