"""tatami.tf32: float32 products on a GPU may round their factors to 10 bits behind the point."""

import threading

import numpy as np
import pytest

import reference as R
import tatami
from cases import CASES
from support import C
from tatami import _core
from tatami import kernels as K

ON_GPU = _core.isas() == ["cuda"]
on_gpu = pytest.mark.skipif(not ON_GPU, reason="the CPU has no TF32")

PRODUCTS = sorted(
    {c.name for c in CASES if c.name.startswith(("matmul", "linear", "conv"))}
    - {"conv2d_bias_grad"}
)


def rounded(x):
    """To the nearest number with 10 bits behind the point, away from 0 in the middle."""
    return ((x.view(np.uint32) + 0x1000) & 0xFFFFE000).view(np.float32)


def factors(shapes=((70, 45), (45, 83)), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def same_in_a_block(name, dtype):
    for case in (case for case in CASES if case.name == name):
        arrays = case.inputs(dtype, 3)
        plain = case.run(K, arrays)
        with tatami.tf32():
            for y, wanted in zip(case.run(K, arrays), plain, strict=True):
                assert y.tobytes() == wanted.tobytes(), str(case)


@on_gpu
@pytest.mark.parametrize("name", PRODUCTS)
def test_values(name):
    """Each factor is off by 2**-11 of it at most, the sum as in float32."""
    for case in (case for case in CASES if case.name == name):
        for n in (1, 3):
            arrays = case.inputs(np.float32, n)
            wanted, bounds = case.run(R, arrays), case.bounds(arrays)
            with tatami.tf32():
                results = case.run(K, arrays)
            for y, ref, bound in zip(results, wanted, bounds, strict=True):
                allowed = (2.0**-10 + C * 2.0**-23) * np.abs(bound) + 2.0**-126
                assert (np.abs(y - ref) <= allowed).all(), str(case)


@on_gpu
@pytest.mark.parametrize("name", PRODUCTS)
def test_whole_numbers_are_exact(name):
    for case in (case for case in CASES if case.name == name and case.exact):
        arrays = case.inputs(np.float32, 3, whole=True)
        with tatami.tf32():
            for y, ref in zip(case.run(K, arrays), case.run(R, arrays), strict=True):
                np.testing.assert_array_equal(y, ref.astype(y.dtype), str(case))


@on_gpu
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_factors_are_rounded_to_nearest_and_no_more(transposed):
    for m, n, k in [(1, 1, 1), (7, 300, 20), (70, 83, 45), (129, 65, 33), (64, 128, 512)]:
        a, b = factors(((m, k), (k, n)))
        left = np.ascontiguousarray(a.T).T if transposed[0] else a
        right = np.ascontiguousarray(b.T).T if transposed[1] else b
        with tatami.tf32():
            y, of_rounded = K.matmul(left, right), K.matmul(rounded(a), rounded(b))
        np.testing.assert_array_equal(y, of_rounded)
        wide_a, wide_b = rounded(a).astype(np.float64), rounded(b).astype(np.float64)
        allowed = k * 2.0**-23 * (np.abs(wide_a) @ np.abs(wide_b))
        assert (np.abs(y - wide_a @ wide_b) <= allowed).all(), (m, n, k)
        if k > 1:
            assert not (K.matmul(left, right) == y).all()


@on_gpu
def test_infinities_and_nan_go_through():
    a, b = np.ones((70, 40), np.float32), np.ones((40, 50), np.float32)
    a[3, 5], a[64, 0], b[39, 49] = np.nan, np.inf, -np.inf
    a[5, 5] = np.uint32(0x7FFFFFFF).view(np.float32)  # a NaN that rounding must not carry away
    with tatami.tf32(), np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(K.matmul(a, b), a.astype(np.float64) @ b.astype(np.float64))


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_recurrent_layers_stay_float32(name):
    same_in_a_block(name, np.float32)


@pytest.mark.parametrize("name", PRODUCTS)
def test_what_is_not_float32_on_a_gpu_stays(name):
    for dtype in (np.float64,) if ON_GPU else (np.float64, np.float32):
        same_in_a_block(name, dtype)


def test_the_block_ends_with_what_was_before():
    assert _core.exchange_tf32(False) is False
    with tatami.tf32():
        with tatami.tf32(False):
            assert _core.exchange_tf32(False) is False
        other = []
        thread = threading.Thread(target=lambda: other.append(_core.exchange_tf32(False)))
        thread.start()
        thread.join()
        assert other == [False]
        assert _core.exchange_tf32(True) is True
    with pytest.raises(ZeroDivisionError), tatami.tf32():
        _ = 1 / 0
    assert _core.exchange_tf32(False) is False
