"""Normalization layers."""

import numpy as np

from .. import functional as F
from . import init
from .allocation import buffer, parameter
from .lazy import Lazy


class _Channels(Lazy):
    """What norms with a scale and statistics for each channel have in common."""

    size_name = "num_features"
    ranks = None  # numbers of axes that x may have
    layout = None

    def __init__(self, num_features, eps, momentum, affine, track_running_stats):
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.make()

    def make_parameters(self):
        n = self.num_features
        self.weight = parameter(n) if self.affine else None
        self.bias = parameter(n) if self.affine else None
        tracked = self.track_running_stats
        self.running_mean = buffer(0, n) if tracked else None
        self.running_var = buffer(1, n) if tracked else None
        self.num_batches_tracked = buffer(0, dtype=np.int64) if tracked else None

    def reset_parameters(self):
        """Start with the identity."""
        if self.affine:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def check(self, x):
        if x.ndim not in self.ranks:
            name = type(self).__name__
            raise ValueError(f"{name}: x must be {self.layout}, got shape {x.shape}")


class _BatchNorm(_Channels):
    def __init__(
        self, num_features=None, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, x, residual=None, activation=None, negative_slope=0.01):
        self.check(x)
        tracked = self.track_running_stats
        momentum = self.momentum
        if self.training and tracked:
            self.num_batches_tracked.data += 1
            if momentum is None:  # the plain average of all batches
                momentum = 1 / self.num_batches_tracked.item()
        statistics = (self.running_mean, self.running_var)
        scale = (self.weight, self.bias)
        own = self.training or not tracked
        after = {
            "residual": residual,
            "activation": activation,
            "negative_slope": negative_slope,
        }
        return F.batch_norm(x, *statistics, *scale, own, momentum or 0.0, self.eps, **after)


class BatchNorm1d(_BatchNorm):
    """Zero mean and unit variance per channel of (N, C) or (N, C, L); see :class:`BatchNorm2d`."""

    ranks, layout = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Zero mean and unit variance per channel of (N, C, H, W), then ``weight`` and ``bias``.

    Training uses the batch's statistics and follows them with ``running_mean`` and
    ``running_var``, which evaluation uses; ``track_running_stats=False`` always uses the batch's.
    ``momentum=None`` averages all batches. ``num_features`` may be left out.
    Called with ``residual=`` and ``activation=`` ("relu", or "leaky_relu" and ``negative_slope=``),
    it adds the one and applies the other in the same pass, as at the end of a residual block.
    """

    ranks, layout = (4,), "(N, C, H, W)"


class InstanceNorm2d(_Channels):
    """Zero mean and unit variance per channel of every image of (N, C, H, W)."""

    ranks, layout = (4,), "(N, C, H, W)"

    def __init__(
        self, num_features=None, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, x):
        self.check(x)
        own = self.training or not self.track_running_stats
        statistics = (self.running_mean, self.running_var)
        scale = (self.weight, self.bias)
        return F.instance_norm(x, *statistics, *scale, own, self.momentum or 0.0, self.eps)


class GroupNorm(Lazy):
    """Zero mean and unit variance per group of channels of (N, C, ...), then a scale each."""

    size_name = "num_channels"

    def __init__(self, num_groups, num_channels=None, eps=1e-5, affine=True):
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.make()

    def make_parameters(self):
        if self.num_groups < 1 or self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: {self.num_channels} channels do not divide "
                f"into {self.num_groups} groups"
            )
        self.weight = parameter(self.num_channels) if self.affine else None
        self.bias = parameter(self.num_channels) if self.affine else None

    def reset_parameters(self):
        """Start with the identity."""
        if self.affine:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def forward(self, x):
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class _Rows(Lazy):
    """Norms over the last axes, whose sizes are ``normalized_shape``: an int or a tuple."""

    size_name, size_axis = "normalized_shape", -1

    def shape(self):
        sizes = self.normalized_shape
        return tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)


class LayerNorm(_Rows):
    """Zero mean and unit variance over the last axes, then ``weight`` and ``bias``.

    ``normalized_shape`` (an int or a tuple) may be left out: the last axis.
    """

    def __init__(self, normalized_shape=None, eps=1e-5, elementwise_affine=True, bias=True):
        self.normalized_shape = normalized_shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.use_bias = bias
        self.make()

    def make_parameters(self):
        affine = self.elementwise_affine
        self.weight = parameter(*self.shape()) if affine else None
        self.bias = parameter(*self.shape()) if affine and self.use_bias else None

    def reset_parameters(self):
        """Start with the identity."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x):
        return F.layer_norm(x, self.shape(), self.weight, self.bias, self.eps)


class RMSNorm(_Rows):
    """Root mean square 1 over the last axes, then ``weight``.

    ``normalized_shape`` (an int or a tuple) may be left out: the last axis. ``eps=None`` is the
    resolution of the input's dtype, as in PyTorch.
    """

    def __init__(self, normalized_shape=None, eps=None, elementwise_affine=True):
        self.normalized_shape = normalized_shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.make()

    def make_parameters(self):
        self.weight = parameter(*self.shape()) if self.elementwise_affine else None

    def reset_parameters(self):
        """Start with the identity."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x):
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        return F.rms_norm(x, self.shape(), self.weight, eps)
