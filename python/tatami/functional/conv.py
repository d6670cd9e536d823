"""Convolutions: three functions by name, each one's derivatives written with the other two.

The transposed convolution with its two gradients is such a family as well.
"""

from .. import kernels as K
from ..autograd import Op
from .activation import activated, relu
from .fused import recorded
from .shape import broadcast_to, reshape


def _family(forward, by_input, by_weight):
    """A convolution and its gradients by input and weight, closed among themselves; the convolution
    with ReLU behind it, whose gradient knows by the result where that is flat."""
    conv = Op(
        forward,
        lambda g, _y, _x, weight, _bias, **how: input_grad(g, weight, input_shape=_x.shape, **how),
        lambda g, _y, x, _weight, _bias, **how: weight_grad(
            g, x, weight_shape=_weight.shape, **how
        ),
        lambda g, _y, _x, _weight, _bias, **how: conv2d_bias_grad(g),
    )
    input_grad = Op(
        by_input,
        lambda gg, _y, _g, weight, input_shape, **how: conv(gg, weight, None, **how),
        lambda gg, _y, g, _weight, input_shape, **how: weight_grad(
            g, gg, weight_shape=_weight.shape, **how
        ),
    )
    weight_grad = Op(
        by_weight,
        lambda gg, _y, _g, x, weight_shape, **how: conv(x, gg, None, **how),
        lambda gg, _y, g, _x, weight_shape, **how: input_grad(g, gg, input_shape=_x.shape, **how),
    )

    def rectified(x, weight, bias, *, wanted, **how):
        return forward(x, weight, bias, **how, activation="relu")

    def gradients(g, y, x, weight, _bias, *, wanted, **how):
        g = K.relu_grad(g, y)
        return (
            by_input(g, weight, x.shape, **how) if wanted[0] else None,
            by_weight(g, x, weight.shape, **how) if wanted[1] else None,
            K.conv2d_bias_grad(g) if wanted[2] else None,
        )

    def composed(x, weight, bias, *, wanted, **how):
        return relu(conv(x, weight, bias, **how))

    with_relu = Op(rectified, joint=gradients, composed=composed, name=forward.__name__)
    return (conv, with_relu), input_grad, weight_grad


_conv1d, _conv1d_input_grad, _conv1d_weight_grad = _family(
    K.conv1d, K.conv1d_input_grad, K.conv1d_weight_grad
)
_conv2d, _conv2d_input_grad, _conv2d_weight_grad = _family(
    K.conv2d, K.conv2d_input_grad, K.conv2d_weight_grad
)
_conv_transpose1d, *_ = _family(
    K.conv_transpose1d, K.conv_transpose1d_input_grad, K.conv_transpose1d_weight_grad
)
_conv_transpose2d, *_ = _family(
    K.conv_transpose2d, K.conv_transpose2d_input_grad, K.conv_transpose2d_weight_grad
)
_bias_grad = Op(
    K.conv2d_bias_grad,
    lambda gg, _y, _g: broadcast_to(reshape(gg, (1, -1, *(1,) * (len(_g.shape) - 2))), _g.shape),
)


def _with_activation(ops, x, weight, bias, activation, **how):
    """With the kernel's own activation, where nothing is recorded or it is ReLU: one pass over
    memory."""
    conv, with_relu = ops
    if activation is None:
        return conv(x, weight, bias, **how)
    wanted = recorded(x), recorded(weight), recorded(bias)
    if not any(wanted):
        return conv(x, weight, bias, **how, activation=activation)
    if activation == "relu":
        return with_relu(x, weight, bias, **how, wanted=wanted)
    return activated(conv(x, weight, bias, **how), activation)


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, activation=None):
    """1-D convolution; see :func:`tatami.kernels.conv1d`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _with_activation(_conv1d, x, weight, bias, activation, **how)


def conv1d_input_grad(grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1):
    """Gradient of :func:`conv1d` by ``x``; see :func:`tatami.kernels.conv1d_input_grad`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _conv1d_input_grad(grad_y, weight, input_shape=input_shape, **how)


def conv1d_weight_grad(grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1):
    """Gradient of :func:`conv1d` by ``weight``; see :func:`tatami.kernels.conv1d_weight_grad`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _conv1d_weight_grad(grad_y, x, weight_shape=weight_shape, **how)


def conv2d(
    x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, activation=None, exact=False
):
    """2-D convolution; see :func:`tatami.kernels.conv2d`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    how["exact"] = exact
    return _with_activation(_conv2d, x, weight, bias, activation, **how)


def conv2d_input_grad(
    grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1, exact=False
):
    """Gradient of :func:`conv2d` by ``x``; see :func:`tatami.kernels.conv2d_input_grad`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    how["exact"] = exact
    return _conv2d_input_grad(grad_y, weight, input_shape=input_shape, **how)


def conv2d_weight_grad(
    grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1, exact=False
):
    """Gradient of :func:`conv2d` by ``weight``; see :func:`tatami.kernels.conv2d_weight_grad`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    how["exact"] = exact
    return _conv2d_weight_grad(grad_y, x, weight_shape=weight_shape, **how)


def conv2d_bias_grad(grad_y):
    """Gradient of any convolution by ``bias``: the sum over every axis but the channels."""
    return _bias_grad(grad_y)


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
):
    """Transposed 1-D convolution; see :func:`tatami.kernels.conv_transpose1d`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    how["output_padding"] = output_padding
    return _with_activation(_conv_transpose1d, x, weight, bias, activation, **how)


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
):
    """Transposed 2-D convolution; see :func:`tatami.kernels.conv_transpose2d`."""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    how["exact"] = exact
    how["output_padding"] = output_padding
    return _with_activation(_conv_transpose2d, x, weight, bias, activation, **how)
