"""Convolutions (cross-correlations, as in every framework), transposed ones, and their gradients.

``stride`` and ``dilation`` are an int or (vertical, horizontal). ``padding`` is that too, or
((top, bottom), (left, right)), "valid" (none) or "same" (as much as keeps the size; stride 1 only,
the odd pixel at the bottom and right). ``groups`` cuts the channels into that many independent
convolutions. In one dimension pairs become one int, and padding an int or ((left, right),).

The three of a family are closed under differentiation: the derivative of each is written with the
other two. Every element is one chain of fused multiply-adds in the order of channel, row and column
of the window (:func:`conv2d_weight_grad` adds up at most 16 such chains, by shape alone), but where
minimal filtering takes fewer products: float32, 3x3 or 5x5 with stride 1 (dilated or not), 3x3 or
4x4 with stride 2, enough channels. ``exact=True`` refuses that for a call, :func:`tatami.exact`,
which says what it means for rounding, whole numbers and infinities, for a block.
"""

from .. import _core

__all__ = [
    "conv1d",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "conv2d",
    "conv2d_bias_grad",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv_transpose1d",
    "conv_transpose1d_input_grad",
    "conv_transpose1d_weight_grad",
    "conv_transpose2d",
    "conv_transpose2d_input_grad",
    "conv_transpose2d_weight_grad",
]


def conv2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    *,
    activation=None,
    exact=False,
    out=None,
):
    """``activation(x * weight + bias)``, * being the two-dimensional convolution.

    ``x`` (N, C, H, W), ``weight`` (O, C/groups, KH, KW), ``bias`` (O,); returns (N, O, OH, OW) with
    OH = (H + top + bottom - dilation (KH - 1) - 1) // stride + 1, and OW likewise. ``activation``
    is None, "relu", "leaky_relu", "sigmoid", "tanh", "gelu" or "silu".

    Raises ValueError where channels, groups or sizes do not fit, TypeError for mixed dtypes.

    >>> conv2d(numpy.ones((1, 1, 3, 3)), numpy.ones((1, 1, 2, 2)))
    array([[[[4., 4.],
             [4., 4.]]]])
    """
    return _core.conv2d(x, weight, bias, stride, padding, dilation, groups, activation, out, exact)


def conv2d_input_grad(
    grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1, exact=False, out=None
):
    """Gradient of :func:`conv2d` with respect to ``x``, of shape ``input_shape`` (N, C, H, W).

    ``grad_y`` (N, O, OH, OW), ``weight`` (O, C/groups, KH, KW). A stride is handled as its phases:
    no zeros are inserted.
    """
    return _core.conv2d_input_grad(
        grad_y, weight, input_shape, stride, padding, dilation, groups, out, exact
    )


def conv2d_weight_grad(
    grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1, exact=False, out=None
):
    """Gradient of :func:`conv2d` with respect to ``weight``, of shape ``weight_shape``.

    ``grad_y`` (N, O, OH, OW), ``x`` (N, C, H, W). An empty batch gives zeros.
    """
    return _core.conv2d_weight_grad(
        grad_y, x, weight_shape, stride, padding, dilation, groups, out, exact
    )


def conv2d_bias_grad(grad_y):
    """Gradient of any convolution with respect to ``bias``: the sum over every axis but 1.

    ``grad_y`` (N, O, OH, OW) or (N, O, OL); returns (O,).
    """
    return _core.conv2d_bias_grad(grad_y)


def conv_transpose2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    dilation=1,
    *,
    activation=None,
    exact=False,
    out=None,
):
    """Transposed convolution: the input gradient of :func:`conv2d`, with a bias and an activation.

    ``x`` (N, C, H, W), ``weight`` (C, O/groups, KH, KW), ``bias`` (O,); returns (N, O, OH, OW) with
    OH = (H - 1) stride - top - bottom + dilation (KH - 1) + output_padding + 1, and OW likewise.
    ``output_padding`` must be smaller than stride or dilation. "same" is not defined here.

    >>> x = numpy.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> conv_transpose2d(x, numpy.array([[[[1.0, 2.0], [-1.0, 1.0]]]]), stride=2)[0, 0]
    array([[ 1.,  2.,  2.,  4.],
           [-1.,  1., -2.,  2.],
           [ 3.,  6.,  4.,  8.],
           [-3.,  3., -4.,  4.]])
    """
    return _core.conv_transpose2d(
        x, weight, bias, stride, padding, output_padding, groups, dilation, activation, out, exact
    )


def conv_transpose2d_input_grad(
    grad_y,
    weight,
    input_shape,
    *,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    dilation=1,
    exact=False,
    out=None,
):
    """Gradient of :func:`conv_transpose2d` with respect to ``x``, of shape ``input_shape``."""
    return _core.conv_transpose2d_input_grad(
        grad_y, weight, input_shape, stride, padding, output_padding, groups, dilation, out, exact
    )


def conv_transpose2d_weight_grad(
    grad_y,
    x,
    weight_shape,
    *,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    dilation=1,
    exact=False,
    out=None,
):
    """Gradient of :func:`conv_transpose2d` by ``weight``, of shape ``weight_shape``."""
    return _core.conv_transpose2d_weight_grad(
        grad_y, x, weight_shape, stride, padding, output_padding, groups, dilation, out, exact
    )


def conv1d(
    x,
    weight,
    bias=None,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    *,
    activation=None,
    out=None,
):
    """One-dimensional :func:`conv2d`: ``x`` (N, C, L), ``weight`` (O, C/groups, K)."""
    return _core.conv1d(x, weight, bias, stride, padding, dilation, groups, activation, out, False)


def conv1d_input_grad(
    grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1, out=None
):
    """Gradient of :func:`conv1d` with respect to ``x``, of shape ``input_shape`` (N, C, L)."""
    return _core.conv1d_input_grad(
        grad_y, weight, input_shape, stride, padding, dilation, groups, out, False
    )


def conv1d_weight_grad(
    grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1, out=None
):
    """Gradient of :func:`conv1d` with respect to ``weight``, of shape ``weight_shape``."""
    return _core.conv1d_weight_grad(
        grad_y, x, weight_shape, stride, padding, dilation, groups, out, False
    )


def conv_transpose1d(
    x,
    weight,
    bias=None,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    dilation=1,
    *,
    activation=None,
    out=None,
):
    """One-dimensional :func:`conv_transpose2d`: ``x`` (N, C, L), ``weight`` (C, O/groups, K)."""
    return _core.conv_transpose1d(
        x, weight, bias, stride, padding, output_padding, groups, dilation, activation, out, False
    )


def conv_transpose1d_input_grad(
    grad_y,
    weight,
    input_shape,
    *,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    dilation=1,
    out=None,
):
    """Gradient of :func:`conv_transpose1d` with respect to ``x``, of shape ``input_shape``."""
    return _core.conv_transpose1d_input_grad(
        grad_y, weight, input_shape, stride, padding, output_padding, groups, dilation, out, False
    )


def conv_transpose1d_weight_grad(
    grad_y,
    x,
    weight_shape,
    *,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    dilation=1,
    out=None,
):
    """Gradient of :func:`conv_transpose1d` by ``weight``, of shape ``weight_shape``."""
    return _core.conv_transpose1d_weight_grad(
        grad_y, x, weight_shape, stride, padding, output_padding, groups, dilation, out, False
    )
