"""Pooling layers: (N, C, L) or (N, C, H, W) in and out."""

from .. import functional as F
from .module import Module


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        dilation=1,
        return_indices=False,
        ceil_mode=False,
    ):
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def settings(self):
        return (
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class MaxPool1d(_MaxPool):
    """The largest element of every window of (N, C, L); ``stride`` defaults to ``kernel_size``."""

    def forward(self, x):
        return F.max_pool1d(x, *self.settings())


class MaxPool2d(_MaxPool):
    """The largest element of every window; ``stride`` defaults to ``kernel_size``.

    ``return_indices=True`` gives the places of the largest elements too.
    """

    def forward(self, x):
        return F.max_pool2d(x, *self.settings())


class _AvgPool(Module):
    def __init__(
        self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
    ):
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def settings(self):
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad


class AvgPool1d(_AvgPool):
    """The mean of every window of (N, C, L); ``stride`` defaults to ``kernel_size``."""

    def forward(self, x):
        return F.avg_pool1d(x, *self.settings())


class AvgPool2d(_AvgPool):
    """The mean of every window; ``stride`` defaults to ``kernel_size``."""

    def forward(self, x):
        return F.avg_pool2d(x, *self.settings())


class _Adaptive(Module):
    def __init__(self, output_size):
        self.output_size = output_size


class AdaptiveAvgPool1d(_Adaptive):
    """Means of ``output_size`` windows that cover (N, C, L)."""

    def forward(self, x):
        return F.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_Adaptive):
    """Means of as many windows as ``output_size`` says: an int or (vertical, horizontal)."""

    def forward(self, x):
        return F.adaptive_avg_pool2d(x, self.output_size)


class AdaptiveMaxPool1d(_Adaptive):
    """Largest elements of ``output_size`` windows that cover (N, C, L)."""

    def forward(self, x):
        return F.adaptive_max_pool1d(x, self.output_size)


class AdaptiveMaxPool2d(_Adaptive):
    """Largest elements of as many windows as ``output_size`` says."""

    def forward(self, x):
        return F.adaptive_max_pool2d(x, self.output_size)


class GlobalAvgPool2d(Module):
    """The mean of every channel: (N, C, H, W) -> (N, C)."""

    def forward(self, x):
        if x.ndim != 4:
            raise ValueError(f"GlobalAvgPool2d: x must be (N, C, H, W), got shape {x.shape}")
        return F.mean(x, (2, 3))


class GlobalMaxPool2d(Module):
    """The largest element of every channel: (N, C, H, W) -> (N, C)."""

    def forward(self, x):
        return F.flatten(F.adaptive_max_pool2d(x, 1), 1)
