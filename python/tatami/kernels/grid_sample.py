"""Images read at any places: turned, shifted, bent."""

from .. import _core

__all__ = ["grid_sample", "grid_sample_grad"]


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    """``x`` (N, C, H, W) read at the places ``grid`` (N, I, J, 2) -> (N, C, I, J).

    A place is (horizontal, vertical); -1 and 1 are the image's edges, or with ``align_corners``
    the centres of its outermost pixels. Between pixels ``mode`` is "bilinear" or "nearest";
    outside the image lie zeros or, with ``padding_mode="border"``, its outermost pixels. A place
    that is NaN gives NaN. PyTorch's function.

    >>> x = numpy.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(x, numpy.array([[[[-0.5, -0.5], [0.0, 0.0]]]]))
    array([[[[1. , 2.5]]]])
    """
    return _core.grid_sample(x, grid, mode, padding_mode, align_corners)


def grid_sample_grad(grad_y, x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    """Gradients of :func:`grid_sample` by ``x`` and by ``grid``, given that of its result."""
    return _core.grid_sample_grad(grad_y, x, grid, mode, padding_mode, align_corners)
