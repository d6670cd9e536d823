"""Where the tests' input arrays come from."""

import numpy as np


class Source:
    """Random float64 arrays by shape; `whole` rounds them, so that linear kernels are exact."""

    def __init__(self, seed=0, whole=False):
        self.rng = np.random.default_rng(seed)
        self.whole = whole

    def __call__(self, *shape):
        x = self.rng.standard_normal(shape)
        return np.round(3 * x) if self.whole else x

    def positive(self, *shape):
        return self.rng.uniform(0.5, 2.0, shape)

    def distinct(self, *shape):
        """No two values closer than 0.1, none near 0: finite differences never cross a kink."""
        values = 0.1 * (self.rng.permutation(int(np.prod(shape))) + 0.5)
        return (values - values.mean() + 0.02).reshape(shape)

    def below(self, high, *shape):
        return self.rng.integers(0, high, shape)

    def mask(self, *shape):
        return self.rng.random(shape) < 0.6

    def probabilities(self, *shape):
        """Non-negative, with sum 1 along axis 1."""
        p = self.positive(*shape)
        return p / p.sum(axis=1, keepdims=True)
