"""Normalization layers."""

import numpy as np

from .. import functional as F
from .module import Buffer, Module, Parameter


class BatchNorm2d(Module):
    """Zero mean and unit variance per channel of (N, C, H, W), then ``weight`` and ``bias``.

    Training uses the batch's statistics and follows them with ``running_mean`` and
    ``running_var``, which evaluation uses; ``track_running_stats=False`` always uses the batch's.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(num_features, np.float32)) if affine else None
        tracked = track_running_stats
        self.running_mean = Buffer(np.zeros(num_features, np.float32)) if tracked else None
        self.running_var = Buffer(np.ones(num_features, np.float32)) if tracked else None
        self.num_batches_tracked = Buffer(np.zeros((), np.int64)) if tracked else None
        self.num_features = num_features

    def forward(self, x):
        if x.ndim != 4:
            raise ValueError(f"BatchNorm2d: x must be (N, C, H, W), got shape {x.shape}")
        tracked = self.running_mean is not None
        momentum = self.momentum
        if self.training and tracked:
            self.num_batches_tracked.data += 1
            if momentum is None:  # the plain average of all batches
                momentum = 1 / self.num_batches_tracked.item()
        statistics = (self.running_mean, self.running_var)
        scale = (self.weight, self.bias)
        own = self.training or not tracked
        return F.batch_norm(x, *statistics, *scale, own, momentum or 0.0, self.eps)

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}, "
            f"track_running_stats={self.running_mean is not None}"
        )
