"""Convolutions, tap by tap: y[p, q] sums w[r, s] x[p stride + r dilation, q stride + s dilation].

`taps` lists, for every tap (r, s), the slice of the padded image that it reads. The forward pass
gathers those slices, the input gradient adds into them, the weight gradient contracts with them.
"""

import numpy as np

from reference.activation import activate, f64

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


def pair(v):
    return (v, v) if np.isscalar(v) else tuple(v)


def sides(padding, kernel, dilation):
    """((top, bottom), (left, right)) of any form of padding; "same" puts the odd one last."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    return tuple(pair(p) for p in pair(padding))


class Geometry:
    """Sizes of one convolution of an (H, W) image with a (KH, KW) kernel.

    `out` is given where output_padding makes room for a window that the forward pass never had.
    """

    def __init__(self, image, kernel, stride, padding, dilation, out=None):
        self.image, self.kernel = image, kernel
        self.stride, self.dilation = pair(stride), pair(dilation)
        self.pad = sides(padding, kernel, self.dilation)
        self.padded = [h + sum(p) for h, p in zip(image, self.pad, strict=True)]
        self.out = out or [
            (h - d * (k - 1) - 1) // s + 1
            for h, k, s, d in zip(self.padded, kernel, self.stride, self.dilation, strict=True)
        ]

    def taps(self):
        for tap in np.ndindex(*self.kernel):
            yield (
                tap,
                (..., *(
                    slice(t * d, t * d + (o - 1) * s + 1, s)
                    for t, d, o, s in zip(tap, self.dilation, self.out, self.stride, strict=True)
                )),
            )  # fmt: skip

    def inside(self):
        return (..., *(slice(p[0], p[0] + h) for p, h in zip(self.pad, self.image, strict=True)))


def _padded(x, g):
    xp = np.zeros((*x.shape[:-2], *g.padded))
    xp[g.inside()] = x
    return xp


def _split(x, groups, axis):
    """One axis of channels as two: (groups, channels of a group)."""
    channels = (groups, x.shape[axis] // groups)
    return x.reshape(*x.shape[:axis], *channels, *x.shape[axis + 1 :])


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, activation=None):
    x, weight = f64(x), f64(weight)
    g = Geometry(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    xs, ws = _split(_padded(x, g), groups, 1), _split(weight, groups, 0)
    y = np.zeros((x.shape[0], groups, weight.shape[0] // groups, *g.out))
    for (r, s), window in g.taps():
        y += np.einsum("ngchw,goc->ngohw", xs[window], ws[..., r, s])
    y = y.reshape(x.shape[0], weight.shape[0], *g.out)
    if bias is not None:
        y = y + f64(bias)[:, None, None]
    return activate(y, activation)


def conv2d_input_grad(grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1):
    grad_y, weight = f64(grad_y), f64(weight)
    out = grad_y.shape[2:]
    g = Geometry(input_shape[2:], weight.shape[2:], stride, padding, dilation, out)
    gys, ws = _split(grad_y, groups, 1), _split(weight, groups, 0)
    grad_x = np.zeros((*input_shape[:2], *g.padded))
    gxs = _split(grad_x, groups, 1)
    for (r, s), window in g.taps():
        gxs[window] += np.einsum("ngohw,goc->ngchw", gys, ws[..., r, s])
    return gxs.reshape(grad_x.shape)[g.inside()]


def conv2d_weight_grad(grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1):
    grad_y, x = f64(grad_y), f64(x)
    g = Geometry(x.shape[2:], weight_shape[2:], stride, padding, dilation)
    gys, xs = _split(grad_y, groups, 1), _split(_padded(x, g), groups, 1)
    grad_w = np.zeros((groups, weight_shape[0] // groups, *weight_shape[1:]))
    for (r, s), window in g.taps():
        grad_w[..., r, s] = np.einsum("ngohw,ngchw->goc", gys, xs[window])
    return grad_w.reshape(weight_shape)


def conv2d_bias_grad(grad_y):
    return f64(grad_y).sum(axis=tuple(a for a in range(np.ndim(grad_y)) if a != 1))


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
    kernel, dilation = weight.shape[2:], pair(dilation)
    pad = sides(padding, kernel, dilation)
    out = [
        (h - 1) * s - sum(p) + d * (k - 1) + extra + 1
        for h, s, p, d, k, extra in zip(
            x.shape[2:], pair(stride), pad, dilation, kernel, pair(output_padding), strict=True
        )
    ]
    shape = (x.shape[0], weight.shape[1] * groups, *out)
    y = conv2d_input_grad(
        x, weight, shape, stride=stride, padding=pad, dilation=dilation, groups=groups
    )
    if bias is not None:
        y = y + f64(bias)[:, None, None]
    return activate(y, activation)


def conv_transpose2d_input_grad(
    grad_y, weight, input_shape, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    grad_x = conv2d(grad_y, weight, None, stride, padding, dilation, groups)
    return grad_x[..., : input_shape[2], : input_shape[3]]


def conv_transpose2d_weight_grad(
    grad_y, x, weight_shape, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    grad_y = f64(grad_y)
    g = Geometry(grad_y.shape[2:], weight_shape[2:], stride, padding, dilation, x.shape[2:])
    gys, xs = _split(_padded(grad_y, g), groups, 1), _split(f64(x), groups, 1)
    grad_w = np.zeros((groups, weight_shape[0] // groups, *weight_shape[1:]))
    for (r, s), window in g.taps():
        grad_w[..., r, s] = np.einsum("ngchw,ngohw->gco", xs, gys[window])
    return grad_w.reshape(weight_shape)


def _flat(v, unit):
    """A setting of the one spatial axis as one of two, the first of which has size 1."""
    return (unit, v if np.isscalar(v) else v[0])


def _pad1d(padding):
    """An int or ((left, right),) as that of an image."""
    if isinstance(padding, str):
        return padding
    return ((0, 0), pair(padding if np.isscalar(padding) else padding[0]))


def _image(x):
    return None if x is None else np.expand_dims(f64(x), 2)


def _shape(shape):
    return (*shape[:2], 1, shape[2])


def _settings(stride, padding, dilation, groups):
    return {
        "stride": _flat(stride, 1),
        "padding": _pad1d(padding),
        "dilation": _flat(dilation, 1),
        "groups": groups,
    }


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, activation=None):
    s = _settings(stride, padding, dilation, groups)
    return conv2d(_image(x), _image(weight), bias, **s, activation=activation).squeeze(2)


def conv1d_input_grad(grad_y, weight, input_shape, *, stride=1, padding=0, dilation=1, groups=1):
    s = _settings(stride, padding, dilation, groups)
    return conv2d_input_grad(_image(grad_y), _image(weight), _shape(input_shape), **s).squeeze(2)


def conv1d_weight_grad(grad_y, x, weight_shape, *, stride=1, padding=0, dilation=1, groups=1):
    s = _settings(stride, padding, dilation, groups)
    return conv2d_weight_grad(_image(grad_y), _image(x), _shape(weight_shape), **s).squeeze(2)


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
    s = _settings(stride, padding, dilation, groups) | {
        "output_padding": _flat(output_padding, 0),
        "activation": activation,
    }
    return conv_transpose2d(_image(x), _image(weight), bias, **s).squeeze(2)


def conv_transpose1d_input_grad(
    grad_y, weight, input_shape, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    s = _settings(stride, padding, dilation, groups)
    return conv_transpose2d_input_grad(
        _image(grad_y), _image(weight), _shape(input_shape), **s
    ).squeeze(2)


def conv_transpose1d_weight_grad(
    grad_y, x, weight_shape, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    s = _settings(stride, padding, dilation, groups)
    return conv_transpose2d_weight_grad(
        _image(grad_y), _image(x), _shape(weight_shape), **s
    ).squeeze(2)
