"""Upsampling by whole factors, forward and backward."""

from .. import _core

__all__ = ["upsample2d", "upsample2d_grad"]


def upsample2d(x, scale, mode="nearest"):
    """``x`` (N, C, H, W) -> (N, C, H * s, W * t) for ``scale`` (s, t), or an int for both.

    "nearest" repeats every pixel; "bilinear" mixes the two pixels around (o + 1/2) / s - 1/2 along
    each axis, as PyTorch does with ``align_corners=False``.

    >>> upsample2d(numpy.array([[[[1.0, 2.0]]]]), (1, 2), "bilinear")
    array([[[[1.  , 1.25, 1.75, 2.  ]]]])
    """
    return _core.upsample2d(x, scale, mode)


def upsample2d_grad(grad_y, input_shape, scale, mode="nearest"):
    """Gradient of :func:`upsample2d`, its exact adjoint: ``grad_y`` -> ``input_shape``."""
    return _core.upsample2d_grad(grad_y, input_shape, scale, mode)
