"""Convolutions: three functions by name, each one's derivatives written with the other two."""

from .. import kernels as K
from ..autograd import Op
from .activation import activated
from .shape import broadcast_to, reshape

_conv2d = Op(
    K.conv2d,
    lambda g, y, x, weight, bias, **how: conv2d_input_grad(g, weight, x.shape, **how),
    lambda g, y, x, weight, bias, **how: conv2d_weight_grad(g, x, weight.shape, **how),
    lambda g, y, x, weight, bias, **how: conv2d_bias_grad(g),
)
_input_grad = Op(
    K.conv2d_input_grad,
    lambda gg, y, g, weight, input_shape, **how: conv2d(gg, weight, None, **how),
    lambda gg, y, g, weight, input_shape, **how: conv2d_weight_grad(g, gg, weight.shape, **how),
)
_weight_grad = Op(
    K.conv2d_weight_grad,
    lambda gg, y, g, x, weight_shape, **how: conv2d(x, gg, None, **how),
    lambda gg, y, g, x, weight_shape, **how: conv2d_input_grad(g, gg, x.shape, **how),
)
_bias_grad = Op(
    K.conv2d_bias_grad, lambda gg, y, g: broadcast_to(reshape(gg, (1, -1, 1, 1)), g.shape)
)
# The transposed convolution is the input gradient of a convolution from its output to its input.
_conv_transpose2d = Op(
    K.conv_transpose2d,
    lambda g, y, x, weight, bias, output_padding, **how: conv2d(g, weight, None, **how),
    lambda g, y, x, weight, bias, output_padding, **how: conv2d_weight_grad(
        x, g, weight.shape, **how
    ),
    lambda g, y, x, weight, bias, **how: conv2d_bias_grad(g),
)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, activation=None):
    """2-D convolution; see :func:`tatami.kernels.conv2d`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return activated(_conv2d(x, weight, bias, **how), activation)


def conv2d_input_grad(grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1):
    """Gradient of :func:`conv2d` by ``x``; see :func:`tatami.kernels.conv2d_input_grad`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _input_grad(grad_y, weight, input_shape=input_shape, **how)


def conv2d_weight_grad(grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1):
    """Gradient of :func:`conv2d` by ``weight``; see :func:`tatami.kernels.conv2d_weight_grad`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _weight_grad(grad_y, x, weight_shape=weight_shape, **how)


def conv2d_bias_grad(grad_y):
    """Gradient of :func:`conv2d` by ``bias``: the sum over every axis but the channels."""
    return _bias_grad(grad_y)


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
):
    """Transposed 2-D convolution; see :func:`tatami.kernels.conv_transpose2d`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y = _conv_transpose2d(x, weight, bias, output_padding=output_padding, **how)
    return activated(y, activation)
