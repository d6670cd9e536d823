"""Batch and layer normalization in training, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import BLOCK, Operation, normal

EPS = np.float32(1e-5)


@dataclass(frozen=True)
class Norm(Operation):
    """y = (x - mean) / deviation * weight + bias, moments over `moment_axes`.

    The gradients of weight and bias sum over `sum_axes`. The backward pass is timed alone: the
    forward pass that makes its cache runs outside the call.
    """

    shape: tuple[int, ...]
    grad: bool = False
    family = "normalization"
    moment_axes = ()
    sum_axes = ()
    weight_shape = ()

    @property
    def kernel(self):
        return self.forward_kernel + ("_grad" if self.grad else "")

    def inputs(self, rng):
        size = self.weight_shape
        made = {"x": normal(rng, *self.shape), "weight": normal(rng, *size)}
        if self.grad:
            return made | {"grad_y": normal(rng, *self.shape)}
        return made | {"bias": normal(rng, *size)}

    def spread(self, parameter):
        """weight or bias, shaped to broadcast with x."""
        return parameter

    def numpy(self, x, weight, bias=None, grad_y=None):
        if not self.grad:
            return lambda: self.numpy_forward(x, self.spread(weight), self.spread(bias))
        mean, scale = self.moments(x)
        return lambda: self.numpy_backward(x, self.spread(weight), grad_y, mean, scale)

    def moments(self, x):
        """Mean and 1 / deviation."""
        mean = x.mean(axis=self.moment_axes, keepdims=True)
        var = np.square(x).mean(axis=self.moment_axes, keepdims=True) - mean * mean
        return mean, 1 / np.sqrt(var + EPS)

    def numpy_forward(self, x, weight, bias):
        mean, scale = self.moments(x)
        y = x - mean
        y *= scale
        y *= weight
        y += bias
        return y

    def numpy_backward(self, x, weight, grad_y, mean, scale):
        unit = x - mean
        unit *= scale
        product = grad_y * unit
        grad_weight = product.sum(axis=self.sum_axes)
        grad_bias = grad_y.sum(axis=self.sum_axes)
        product *= weight
        grad_x = grad_y * weight
        unit *= product.mean(axis=self.moment_axes, keepdims=True)
        unit += grad_x.mean(axis=self.moment_axes, keepdims=True)
        grad_x -= unit
        grad_x *= scale
        return grad_x, grad_weight, grad_bias


@dataclass(frozen=True)
class BatchNorm(Norm):
    forward_kernel = "batch_norm"
    moment_axes = sum_axes = (0, 2, 3)

    @property
    def weight_shape(self):
        return self.shape[1:2]

    def spread(self, parameter):
        return parameter[:, None, None]

    def numpy_forward(self, x, weight, bias):
        """With one factor and one term a channel: two passes fewer."""
        mean, scale = self.moments(x)
        factor = weight * scale
        y = x * factor
        y += bias - mean * factor
        return y

    def tatami(self, kernels, x, weight, bias=None, grad_y=None):
        norm, grad = kernels.batch_norm, kernels.batch_norm_grad
        mean, var = np.zeros_like(weight), np.ones_like(weight)
        if not self.grad:
            return lambda: norm(x, mean, var, weight, bias, True)
        zeros = np.zeros_like(weight)
        _, cache = norm(x, mean, var, weight, zeros, True, return_cache=True)
        return lambda: grad(grad_y, cache)

    def torch(self, torch, x, weight, bias=None, grad_y=None):
        mean, var = torch.zeros_like(weight), torch.ones_like(weight)
        if not self.grad:
            norm = torch.nn.functional.batch_norm
            return lambda: norm(x, mean, var, weight, bias, True)
        aten = torch.ops.aten
        saved = aten.native_batch_norm(x, weight, None, mean, var, True, 0.1, float(EPS))[1:]
        settings = (weight, mean, var, *saved, True, float(EPS), [True, True, True])
        return lambda: aten.native_batch_norm_backward(grad_y, x, *settings)


@dataclass(frozen=True)
class LayerNorm(Norm):
    forward_kernel = "layer_norm"
    moment_axes = (1,)
    sum_axes = (0,)

    @property
    def weight_shape(self):
        return self.shape[1:]

    def numpy_forward(self, x, weight, bias):
        y = np.empty_like(x)
        step = max(1, BLOCK // self.shape[1])
        for start in range(0, self.shape[0], step):
            part = slice(start, start + step)
            y[part] = super().numpy_forward(x[part], weight, bias)
        return y

    def tatami(self, kernels, x, weight, bias=None, grad_y=None):
        norm, grad, size = kernels.layer_norm, kernels.layer_norm_grad, self.weight_shape
        if not self.grad:
            return lambda: norm(x, size, weight, bias)
        _, cache = norm(x, size, weight, np.zeros_like(weight), return_cache=True)
        return lambda: grad(grad_y, cache)

    def torch(self, torch, x, weight, bias=None, grad_y=None):
        size = self.weight_shape
        if not self.grad:
            norm = torch.nn.functional.layer_norm
            return lambda: norm(x, size, weight, bias)
        aten, zeros = torch.ops.aten, torch.zeros_like(weight)
        saved = aten.native_layer_norm(x, size, weight, zeros, float(EPS))[1:]
        settings = (size, *saved, weight, zeros, [True, True, True])
        return lambda: aten.native_layer_norm_backward(grad_y, x, *settings)
