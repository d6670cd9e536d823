"""Dropout: the random bits are a published function of seed and place, and nothing else."""

import numpy as np
import pytest

import reference as R
import tatami
from sources import Source
from tatami import kernels as K

DTYPES = (np.float32, np.float64)
SEEDS = (0, 1, 2**32 - 1, 2**32, 2**63 + 12345, 2**64 - 1)


def test_the_mask_is_philox_for_every_length_and_seed(isa):
    for dtype in DTYPES:
        for size in (*range(20), 63, 64, 65, 1000, 70_001):
            x = Source(0)(size).astype(dtype)
            for seed in SEEDS:
                y, mask = K.dropout(x, 0.375, seed=seed)
                _, wanted = R.dropout(x, 0.375, seed=seed)
                np.testing.assert_array_equal(mask, wanted, f"size {size} seed {seed}")
                np.testing.assert_array_equal(y[~mask], 0)
                assert mask.dtype == bool


def test_same_seed_same_bits_whatever_the_threads_and_dtype():
    x = np.ones(300_001, np.float32)
    masks = []
    for n in (1, 2, 3, 5, 8):
        with tatami.threads(n):
            masks += [K.dropout(x, 0.3, seed=9)[1], K.dropout(x.astype(float), 0.3, seed=9)[1]]
    assert all(np.array_equal(m, masks[0]) for m in masks)
    assert not np.array_equal(K.dropout(x, 0.3, seed=10)[1], masks[0])


def test_the_share_that_is_kept(isa):
    x = np.ones(1_000_000, np.float32)
    for p in (0.1, 0.5, 0.9):
        y, mask = K.dropout(x, p, seed=3)
        assert abs(mask.mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / x.size)
        np.testing.assert_allclose(y[mask], 1 / (1 - p), rtol=1e-6)


def test_all_and_nothing(isa):
    x = Source(0)(7, 37).astype(np.float32)
    y, mask = K.dropout(x, 0.0, seed=1)
    np.testing.assert_array_equal(y, x)
    assert mask.all()
    y, mask = K.dropout(x, 1.0, seed=1)
    assert not y.any() and not mask.any()
    assert not K.dropout_grad(x, mask, 1.0).any()


def test_what_is_dropped_is_zero_even_where_x_is_nan(isa):
    x = np.full(1000, np.nan, np.float32)
    y, mask = K.dropout(x, 0.5, seed=1)
    assert np.isnan(y[mask]).all()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), float("inf")])
def test_impossible_probabilities_are_value_errors(p):
    x = np.ones(5, np.float32)
    with pytest.raises(ValueError, match=r"^dropout: p "):
        K.dropout(x, p, seed=0)
    with pytest.raises(ValueError, match=r"^dropout_grad: p "):
        K.dropout_grad(x, np.ones(5, bool), p)


def test_gradient_checks_its_mask():
    with pytest.raises(ValueError, match=r"^dropout_grad: grad_y .*\(5,?\).*mask.*\(4,?\)"):
        K.dropout_grad(np.ones(5, np.float32), np.ones(4, bool), 0.5)
    with pytest.raises(TypeError, match=r"^dropout_grad: mask .*int"):
        K.dropout_grad(np.ones(5, np.float32), np.ones(5, np.int8), 0.5)


def test_seeds_are_integers():
    with pytest.raises(TypeError):
        K.dropout(np.ones(5, np.float32), 0.5)
    with pytest.raises((TypeError, ValueError)):
        K.dropout(np.ones(5, np.float32), 0.5, seed="x")


def test_results_past_the_caches(isa):
    x = np.arange(1.0, (9 << 18) + 6, dtype=np.float32)[1:]  # not aligned
    y, mask = K.dropout(x, 0.5, seed=3)
    np.testing.assert_array_equal(y, np.where(mask, 2 * x, 0))
    np.testing.assert_array_equal(
        K.dropout_grad(x, mask[::-1], 0.5), np.where(mask[::-1], 2 * x, 0)
    )
