"""Pooling over windows, forward and backward.

``kernel_size``, ``stride``, ``padding`` and ``dilation`` are an int or (vertical, horizontal). A
``stride`` of None is ``kernel_size``. ``padding`` may also be ((top, bottom), (left, right)),
"valid" (none) or "same" (a window for every ``stride`` pixels, the odd pixel last); it is at most
half the window. With ``ceil_mode`` a last window that reaches over the image's edge counts, if it
starts inside the image or the padding before it. These are PyTorch's rules. Results have the same
bits for any number of threads.
"""

from .. import _core

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_grad",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_grad",
    "avg_pool2d",
    "avg_pool2d_grad",
    "max_pool2d",
    "max_pool2d_grad",
]


def max_pool2d(
    x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """Maximum of every window of ``x`` (N, C, H, W): (N, C, P, Q).

    With ``return_indices`` also where in its plane (row * W + column, int64) the first maximum
    stands; :func:`max_pool2d_grad` wants it. A NaN counts as the largest number; a window of
    nothing but -inf gives -inf.

    >>> max_pool2d(numpy.array([[[[1.0, 2.0], [4.0, 3.0]]]]), 2, return_indices=True)
    (array([[[[4.]]]]), array([[[[2]]]]))
    """
    return _core.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d_grad(
    grad_y,
    indices,
    input_shape,
    *,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
):
    """Gradient of :func:`max_pool2d`: every ``grad_y`` added to the pixel that its index names.

    ``grad_y`` and ``indices`` (N, C, P, Q), ``input_shape`` (N, C, H, W), which is the result's. An
    index outside H * W is a ``ValueError``.
    """
    return _core.max_pool2d_grad(
        grad_y, indices, input_shape, kernel_size, stride, padding, dilation, ceil_mode
    )


def avg_pool2d(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    dilation=1,
):
    """Mean of every window of ``x`` (N, C, H, W): (N, C, P, Q).

    The sum is divided by the number of taps inside the padded image, or, without
    ``count_include_pad``, inside the image.

    >>> avg_pool2d(numpy.array([[[[1.0, 2.0], [4.0, 3.0]]]]), 2)
    array([[[[2.5]]]])
    """
    return _core.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, dilation)


def avg_pool2d_grad(
    grad_y,
    input_shape,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    dilation=1,
):
    """Gradient of :func:`avg_pool2d` with respect to ``x``, of ``input_shape`` (N, C, H, W)."""
    return _core.avg_pool2d_grad(
        grad_y, input_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, dilation
    )


def adaptive_avg_pool2d(x, output_size):
    """Means over a grid of P x Q windows that covers the image: ``x`` (N, C, H, W) -> (N, C, P, Q).

    ``output_size`` is an int or (P, Q). Window p of the rows is [floor(p H / P), ceil((p + 1) H /
    P)), and likewise along the columns; (1, 1) is the mean of the whole image.

    >>> adaptive_avg_pool2d(numpy.array([[[[1.0, 2.0], [4.0, 3.0]]]]), 1)
    array([[[[2.5]]]])
    """
    return _core.adaptive_avg_pool2d(x, output_size)


def adaptive_avg_pool2d_grad(grad_y, input_shape):
    """Gradient of :func:`adaptive_avg_pool2d`: ``grad_y`` (N, C, P, Q) -> ``input_shape``."""
    return _core.adaptive_avg_pool2d_grad(grad_y, input_shape)


def adaptive_max_pool2d(x, output_size, return_indices=False):
    """Maxima over the windows of :func:`adaptive_avg_pool2d`; indices as in :func:`max_pool2d`.

    >>> adaptive_max_pool2d(numpy.array([[[[1.0, 2.0], [4.0, 3.0]]]]), (1, 2))
    array([[[[4., 3.]]]])
    """
    return _core.adaptive_max_pool2d(x, output_size, return_indices)


def adaptive_max_pool2d_grad(grad_y, indices, input_shape):
    """Gradient of :func:`adaptive_max_pool2d`: ``grad_y`` added to the pixels ``indices`` name."""
    return _core.adaptive_max_pool2d_grad(grad_y, indices, input_shape)
