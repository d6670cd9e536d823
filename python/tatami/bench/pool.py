"""Pooling, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import Operation, normal
from .windows import crop, out_size, pad, span, taps


@dataclass(frozen=True)
class Pooling(Operation):
    """Sizes of y (n, c, out, out) from x (n, c, size, size)."""

    n: int
    c: int
    size: int
    k: int
    stride: int
    padding: int = 0
    family = "pooling"

    @property
    def x_shape(self):
        return (self.n, self.c, self.size, self.size)

    @property
    def y_shape(self):
        out = out_size(self.size, self.k, self.stride, self.padding)
        return (self.n, self.c, out, out)

    @property
    def settings(self):
        return {"kernel_size": self.k, "stride": self.stride, "padding": self.padding}

    @property
    def pairs(self):
        return [[v, v] for v in (self.k, self.stride, self.padding)]

    def taps(self, padded):
        return taps(padded, self.k, self.stride, 1, self.y_shape[2:])

    def fold(self, ufunc, x, fill):
        """`ufunc` over every window: down the rows (contiguous), then along them, by images."""
        _, _, oh, ow = self.y_shape
        y = np.empty(self.y_shape, x.dtype)
        for image, out in zip(x, y, strict=True):
            padded = pad(image[None], self.padding, fill)[0]
            rows = [padded[:, span(i, oh, self.stride)] for i in range(self.k)]
            tall = ufunc(rows[0], rows[1])
            for row in rows[2:]:
                ufunc(tall, row, out=tall)
            columns = [tall[..., span(j, ow, self.stride)] for j in range(self.k)]
            ufunc(columns[0], columns[1], out=out)
            for column in columns[2:]:
                ufunc(out, column, out=out)
        return y

    def numpy_indices(self, x):
        """Values and flat positions in H * W of the maxima."""
        value = np.full(self.y_shape, -np.inf, x.dtype)
        index = np.zeros(self.y_shape, np.int64)
        mask = np.empty(self.y_shape, bool)
        position = np.arange(self.size**2).reshape(1, 1, self.size, self.size)
        values = self.taps(pad(x, self.padding, -np.inf))
        positions = self.taps(pad(position, self.padding))
        for (_, _, view), (_, _, where) in zip(values, positions, strict=True):
            np.greater(view, value, out=mask)
            np.copyto(value, view, where=mask)
            np.copyto(index, where, where=mask)
        return value, index


@dataclass(frozen=True)
class MaxPool2d(Pooling):
    kernel = "max_pool2d"

    def inputs(self, rng):
        return {"x": normal(rng, *self.x_shape)}

    def tatami(self, kernels, x):
        pool, settings = kernels.max_pool2d, self.settings
        return lambda: pool(x, **settings)

    def numpy(self, x):
        return lambda: self.fold(np.maximum, x, -np.inf)

    def torch(self, torch, x):
        pool, settings = torch.nn.functional.max_pool2d, self.settings
        return lambda: pool(x, **settings)


@dataclass(frozen=True)
class MaxPool2dIndices(MaxPool2d):
    """The forward pass of training: maxima and where they stood."""

    def tatami(self, kernels, x):
        pool, settings = kernels.max_pool2d, self.settings
        return lambda: pool(x, **settings, return_indices=True)

    def numpy(self, x):
        return lambda: self.numpy_indices(x)

    def torch(self, torch, x):
        pool, settings = torch.nn.functional.max_pool2d, self.settings
        return lambda: pool(x, **settings, return_indices=True)


@dataclass(frozen=True)
class MaxPool2dGrad(Pooling):
    kernel = "max_pool2d_grad"

    def inputs(self, rng):
        _, index = self.numpy_indices(normal(rng, *self.x_shape))
        return {"grad_y": normal(rng, *self.y_shape), "indices": index}

    def tatami(self, kernels, grad_y, indices):
        grad, shape, settings = kernels.max_pool2d_grad, self.x_shape, self.settings
        return lambda: grad(grad_y, indices, shape, **settings)

    def numpy(self, grad_y, indices):
        planes = self.n * self.c
        area = self.size**2
        at = (indices.reshape(planes, -1) + area * np.arange(planes)[:, None]).ravel()
        disjoint = self.stride >= self.k

        def call():
            grad = np.zeros(planes * area, grad_y.dtype)
            if disjoint:
                grad[at] = grad_y.ravel()
            else:
                grad[:] = np.bincount(at, grad_y.ravel(), planes * area)
            return grad.reshape(self.x_shape)

        return call

    def torch(self, torch, grad_y, indices):
        x = torch.empty(self.x_shape)
        grad, pairs = torch.ops.aten.max_pool2d_with_indices_backward, self.pairs
        return lambda: grad(grad_y, x, *pairs, [1, 1], False, indices)


@dataclass(frozen=True)
class AvgPool2d(Pooling):
    kernel = "avg_pool2d"

    def inputs(self, rng):
        return {"x": normal(rng, *self.x_shape)}

    def tatami(self, kernels, x):
        pool, settings = kernels.avg_pool2d, self.settings
        return lambda: pool(x, **settings)

    def numpy(self, x):
        def call():
            y = self.fold(np.add, x, 0)
            y *= np.float32(1 / self.k**2)
            return y

        return call

    def torch(self, torch, x):
        pool, settings = torch.nn.functional.avg_pool2d, self.settings
        return lambda: pool(x, **settings)


@dataclass(frozen=True)
class AvgPool2dGrad(Pooling):
    kernel = "avg_pool2d_grad"

    def inputs(self, rng):
        return {"grad_y": normal(rng, *self.y_shape)}

    def tatami(self, kernels, grad_y):
        grad, shape, settings = kernels.avg_pool2d_grad, self.x_shape, self.settings
        return lambda: grad(grad_y, shape, **settings)

    def numpy(self, grad_y):
        n, c, h, w = self.x_shape

        def call():
            padded = np.zeros((n, c, h + 2 * self.padding, w + 2 * self.padding), grad_y.dtype)
            share = grad_y * np.float32(1 / self.k**2)
            for _, _, view in self.taps(padded):
                view += share
            return crop(padded, self.padding)

        return call

    def torch(self, torch, grad_y):
        x = torch.empty(self.x_shape)
        grad, pairs = torch.ops.aten.avg_pool2d_backward, self.pairs
        return lambda: grad(grad_y, x, *pairs, False, True, None)
