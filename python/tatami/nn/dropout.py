"""Noise while training, against over-fitting."""

import numpy as np

from .. import functional as F
from .. import random
from .._device import device_of, moved
from ..autograd.tensor import array_of
from .module import Module


class Dropout(Module):
    """Zeros with probability ``p`` while training, the others scaled by 1 / (1 - p).

    ``inplace`` is accepted for PyTorch's sake and changes nothing.
    """

    def __init__(self, p=0.5, inplace=False):
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must lie between 0 and 1, not {p}")
        self.p = p

    def forward(self, x):
        return F.dropout(x, self.p, self.training)


class GaussianNoise(Module):
    """Adds normal noise of standard deviation ``std`` while training."""

    def __init__(self, std=0.1):
        if not std >= 0:
            raise ValueError(f"GaussianNoise: std must be >= 0, not {std}")
        self.std = std

    def forward(self, x):
        if not self.training:
            return x
        dtype = np.dtype(x.dtype)
        noise = random.generator().standard_normal(x.shape, dtype) * dtype.type(self.std)
        return x + moved(noise, device_of(array_of(x)))
