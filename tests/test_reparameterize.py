"""Gaussian draws: the noise is a published function of seed and place, and normal."""

from statistics import NormalDist

import numpy as np
import pytest

import tatami
from reference.random import words
from tatami import Tensor, grad
from tatami import functional as F
from tatami import kernels as K

SEEDS = (0, 1, 2**32 - 1, 2**32, 2**63 + 12345, 2**64 - 1)


def noise(size, seed, dtype=np.float32):
    zeros = np.zeros(size, dtype)
    return K.reparameterize(zeros, zeros, seed=seed)


def test_the_noise_is_the_quantile_of_philox_for_every_length_and_seed(isa):
    for size in (*range(20), 255, 256, 257, 1000):
        for seed in SEEDS:
            shares = ((words(seed, (size,)) ^ np.uint64(1 << 31)) + 0.5) / 2.0**32
            wanted = [NormalDist().inv_cdf(share) for share in shares]
            for dtype, rtol in ((np.float32, 1e-6), (np.float64, 1e-14)):
                np.testing.assert_allclose(noise(size, seed, dtype), wanted, rtol=rtol)


def test_the_noise_is_normal(isa):
    z = np.sort(noise(1_000_000, 3))
    below = np.array([NormalDist().cdf(float(x)) for x in z[::100]])
    apart = np.abs(below - np.arange(0, 1, 1e-4)).max()
    assert apart < 2 / np.sqrt(z.size), "Kolmogorov and Smirnov's distance"
    assert z[0] < -4.5 and z[-1] > 4.5
    pairs = noise(1_000_000, 4)
    assert abs(np.mean(pairs[1:] * pairs[:-1])) < 5e-3


def test_same_seed_same_bits_whatever_the_threads():
    draws = []
    for n in (1, 2, 3, 5, 8):
        with tatami.threads(n):
            draws.append(noise(300_001, 9))
    assert all(np.array_equal(z, draws[0]) for z in draws)
    assert not np.array_equal(noise(300_001, 10), draws[0])


def test_nothing_is_kept_and_the_gradient_draws_the_same_noise():
    rng = np.random.default_rng(0)
    mean, log_variance = (Tensor(rng.standard_normal((50, 8)), requires_grad=True) for _ in "12")
    z = F.reparameterize(mean, log_variance, seed=5)
    by_mean, by_log_variance = grad(z.sum(), [mean, log_variance])
    np.testing.assert_array_equal(by_mean.data, 1)
    np.testing.assert_allclose(by_log_variance.data, (z.data - mean.data) / 2, rtol=1e-9)


def test_seeds_follow_the_generator():
    zeros = np.zeros(9, np.float32)
    tatami.manual_seed(0)
    first, second = F.reparameterize(zeros, zeros), F.reparameterize(zeros, zeros)
    assert not np.array_equal(first, second)
    tatami.manual_seed(0)
    np.testing.assert_array_equal(F.reparameterize(zeros, zeros), first)


def test_what_does_not_fit_is_refused():
    x = np.ones(5, np.float32)
    with pytest.raises(ValueError, match=r"^reparameterize: mean .*\(5,?\).*log_variance.*\(4,?\)"):
        K.reparameterize(x, x[1:], seed=0)
    with pytest.raises(TypeError, match=r"^reparameterize_grad: grad_z .*float32.*float64"):
        K.reparameterize_grad(x, x.astype(float), seed=0)
    with pytest.raises(TypeError, match="seed must be an int"):
        K.reparameterize(x, x, seed=0.5)
