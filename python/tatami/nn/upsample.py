"""Larger pictures."""

from .. import functional as F
from .module import Module


class Upsample(Module):
    """(N, C, H, W) made larger by whole factors: ``mode`` is "nearest" or "bilinear".

    Either ``scale_factor`` or the ``size`` to reach is given, each an int or (vertical,
    horizontal). Bilinear is PyTorch's ``align_corners=False``.
    """

    def __init__(self, size=None, scale_factor=None, mode="nearest"):
        if (size is None) == (scale_factor is None):
            raise ValueError("Upsample: give one of size and scale_factor")
        if mode not in ("nearest", "bilinear"):
            raise ValueError(f"Upsample: mode must be 'nearest' or 'bilinear', not {mode!r}")
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode

    def forward(self, x):
        scale = self.scale_factor if self.size is None else self._scale(x.shape)
        return F.upsample2d(x, scale, self.mode)

    def _scale(self, shape):
        size = self.size if isinstance(self.size, (tuple, list)) else (self.size,) * 2
        if len(shape) != 4 or any(n < 1 or s % n for s, n in zip(size, shape[2:], strict=True)):
            raise ValueError(f"Upsample: size {tuple(size)} is no multiple of x's, shape {shape}")
        return tuple(s // n for s, n in zip(size, shape[2:], strict=True))
