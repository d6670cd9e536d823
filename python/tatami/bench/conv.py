"""Convolutions: forward, both gradients and transposed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .operation import Node, Operation, normal
from .windows import crop, out_size, pad, taps, windows

CACHE = 16 << 20  # bytes


@dataclass(frozen=True)
class Convolution(Operation):
    """Sizes of y (n, o, oh, ow) = x (n, c, size, size) * weight (o, c / groups, k, k)."""

    n: int
    c: int
    size: int
    o: int
    k: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    family = "convolution"

    @property
    def x_shape(self):
        return (self.n, self.c, self.size, self.size)

    @property
    def weight_shape(self):
        return (self.o, self.c // self.groups, self.k, self.k)

    @property
    def y_shape(self):
        out = out_size(self.size, self.k, self.stride, self.padding, self.dilation)
        return (self.n, self.o, out, out)

    @property
    def flops(self):
        return 2 * math.prod(self.y_shape) * math.prod(self.weight_shape[1:])

    @property
    def depthwise(self):
        return self.groups == self.c == self.o

    @property
    def pointwise(self):
        return self.k == self.stride == self.groups == 1

    @property
    def settings(self):
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def windows(self, x):
        return windows(pad(x, self.padding), self.k, self.stride, self.dilation)

    def chunks(self):
        """Slices of the batch whose columns, the copied windows, stay in the last cache."""
        columns = 4 * math.prod(self.weight_shape[1:]) * math.prod(self.y_shape[2:])
        step = max(1, CACHE // columns)
        return [slice(start, start + step) for start in range(0, self.n, step)]

    def taps(self, padded):
        return taps(padded, self.k, self.stride, self.dilation, self.y_shape[2:])

    def torch_grad(self, torch, grad_y, x, weight, which):
        """Gradient number `which` (0 of x, 1 of weight) by the function that autograd calls."""
        pair = [[v, v] for v in (self.stride, self.padding, self.dilation)]
        mask = [which == 0, which == 1, False]
        backward = torch.ops.aten.convolution_backward
        settings = (None, *pair, False, [0, 0], self.groups, mask)
        return lambda: backward(grad_y, x, weight, *settings)[which]


@dataclass(frozen=True)
class Conv2d(Convolution):
    kernel = "conv2d"
    peers = ("torch", "onnxruntime")

    def onnx(self, x, weight):
        how = {
            "strides": [self.stride] * 2,
            "pads": [self.padding] * 4,
            "dilations": [self.dilation] * 2,
            "group": self.groups,
        }
        return [Node("Conv", ["x", "weight"], ["y"], how)], {"weight": weight}

    def inputs(self, rng):
        return {"x": normal(rng, *self.x_shape), "weight": normal(rng, *self.weight_shape)}

    def tatami(self, kernels, x, weight):
        conv2d, settings = kernels.conv2d, self.settings
        return lambda: conv2d(x, weight, **settings)

    def numpy(self, x, weight):
        if self.depthwise:
            return lambda: self.numpy_depthwise(x, weight)
        if self.pointwise:
            return lambda: np.matmul(weight[:, :, 0, 0], x.reshape(self.n, self.c, -1)).reshape(
                self.y_shape
            )

        y = np.empty(self.y_shape, x.dtype)

        def call():
            # reduced over (c, kh, kw); in this order the copied rows of the windows are contiguous
            for part in self.chunks():
                product = np.tensordot(weight, self.windows(x[part]), axes=((1, 2, 3), (1, 4, 5)))
                y[part] = product.transpose(1, 0, 2, 3)
            return y

        return call

    def numpy_depthwise(self, x, weight):
        y = np.zeros(self.y_shape, x.dtype)
        product = np.empty_like(y)
        for i, j, view in self.taps(pad(x, self.padding)):
            y += np.multiply(view, weight[:, :, i, j, None], out=product)
        return y

    def torch(self, torch, x, weight):
        conv2d, settings = torch.nn.functional.conv2d, self.settings
        return lambda: conv2d(x, weight, None, **settings)


@dataclass(frozen=True)
class Conv2dInputGrad(Convolution):
    kernel = "conv2d_input_grad"

    def inputs(self, rng):
        return {"grad_y": normal(rng, *self.y_shape), "weight": normal(rng, *self.weight_shape)}

    def tatami(self, kernels, grad_y, weight):
        grad, shape, settings = kernels.conv2d_input_grad, self.x_shape, self.settings
        return lambda: grad(grad_y, weight, shape, **settings)

    def numpy(self, grad_y, weight):
        if self.pointwise:
            flat = grad_y.reshape(self.n, self.o, -1)
            return lambda: np.matmul(weight[:, :, 0, 0].T, flat).reshape(self.x_shape)
        return lambda: self.numpy_scatter(grad_y, weight)

    def numpy_scatter(self, grad_y, weight):
        """One GEMM to columns (n, c, k, k, oh, ow), then each tap added to the pixels it read."""
        n, c, h, w = self.x_shape
        padded = np.zeros((n, c, h + 2 * self.padding, w + 2 * self.padding), grad_y.dtype)
        if self.depthwise:
            for i, j, view in self.taps(padded):
                view += grad_y * weight[:, :, i, j, None]
        else:
            flat = grad_y.reshape(n, self.o, -1)
            for part in self.chunks():
                columns = np.matmul(weight.reshape(self.o, -1).T, flat[part])
                columns = columns.reshape(-1, c, self.k, self.k, *self.y_shape[2:])
                for i, j, view in self.taps(padded[part]):
                    view += columns[:, :, i, j]
        return crop(padded, self.padding)

    def torch(self, torch, grad_y, weight):
        x = grad_y.new_empty(self.x_shape)  # only its shape is read
        return self.torch_grad(torch, grad_y, x, weight, 0)


@dataclass(frozen=True)
class Conv2dWeightGrad(Convolution):
    kernel = "conv2d_weight_grad"

    def inputs(self, rng):
        return {"grad_y": normal(rng, *self.y_shape), "x": normal(rng, *self.x_shape)}

    def tatami(self, kernels, grad_y, x):
        grad, shape, settings = kernels.conv2d_weight_grad, self.weight_shape, self.settings
        return lambda: grad(grad_y, x, shape, **settings)

    def numpy(self, grad_y, x):
        if self.depthwise:
            return lambda: self.numpy_depthwise(grad_y, x)

        def call():
            axes = ((0, 2, 3), (0, 2, 3))
            grad = sum(np.tensordot(self.windows(x[p]), grad_y[p], axes) for p in self.chunks())
            return np.ascontiguousarray(grad.transpose(3, 0, 1, 2))

        return call

    def numpy_depthwise(self, grad_y, x):
        grad = np.empty(self.weight_shape, x.dtype)
        for i, j, view in self.taps(pad(x, self.padding)):
            grad[:, 0, i, j] = np.einsum("nchw,nchw->c", view, grad_y)
        return grad

    def torch(self, torch, grad_y, x):
        weight = x.new_empty(self.weight_shape)
        return self.torch_grad(torch, grad_y, x, weight, 1)


@dataclass(frozen=True)
class ConvTranspose2d(Operation):
    """y (n, o, out, out) from x (n, c, size, size) and weight (c, o, k, k)."""

    n: int
    c: int
    size: int
    o: int
    k: int
    stride: int = 1
    padding: int = 0
    family = "convolution"
    kernel = "conv_transpose2d"

    @property
    def adjoint(self):
        """The input gradient that is this operation: x plays grad_y, y plays grad_x."""
        out = (self.size - 1) * self.stride - 2 * self.padding + self.k
        return Conv2dInputGrad(self.n, self.o, out, self.c, self.k, self.stride, self.padding)

    @property
    def flops(self):
        return self.adjoint.flops

    def inputs(self, rng):
        made = self.adjoint.inputs(rng)
        return {"x": made["grad_y"], "weight": made["weight"]}

    def tatami(self, kernels, x, weight):
        conv, settings = kernels.conv_transpose2d, (None, self.stride, self.padding)
        return lambda: conv(x, weight, *settings)

    def numpy(self, x, weight):
        return self.adjoint.numpy(x, weight)

    def torch(self, torch, x, weight):
        conv, settings = torch.nn.functional.conv_transpose2d, (None, self.stride, self.padding)
        return lambda: conv(x, weight, *settings)
