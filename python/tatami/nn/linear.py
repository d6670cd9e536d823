"""Fully connected layers and what leads into them."""

import math

import numpy as np

from .. import functional as F
from . import init
from .module import Module, Parameter


def reset(weight, bias):
    """PyTorch's initial values of linear and convolution layers."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = 1 / math.sqrt(max(init.fans(weight)[0], 1))
        init.uniform_(bias, -bound, bound)


class Linear(Module):
    """``x @ weight.T + bias``: (..., in_features) -> (..., out_features)."""

    def __init__(self, in_features, out_features, bias=True):
        self.weight = Parameter(np.empty((out_features, in_features), np.float32))
        self.bias = Parameter(np.empty(out_features, np.float32)) if bias else None
        reset(self.weight, self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self):
        out, features = self.weight.shape
        return f"in_features={features}, out_features={out}, bias={self.bias is not None}"


class Flatten(Module):
    """Axes ``start_dim`` to ``end_dim`` as one; by default all but the batch."""

    def __init__(self, start_dim=1, end_dim=-1):
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x):
        return F.flatten(x, self.start_dim, self.end_dim)
