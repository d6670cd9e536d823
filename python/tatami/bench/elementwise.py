"""Activations, softmax and the loss of a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import BLOCK, Operation, normal


def relu(x, y):
    np.maximum(x, 0, out=y)


def sigmoid(x, y):
    np.negative(x, out=y)
    np.exp(y, out=y)
    np.add(y, 1, out=y)
    np.reciprocal(y, out=y)


def tanh(x, y):
    np.tanh(x, out=y)


def silu(x, y):
    sigmoid(x, y)
    np.multiply(x, y, out=y)


def gelu(x, y):
    """x * Phi(x); NumPy has no erf, so by Abramowitz and Stegun's 7.1.26 (error 1.5e-7)."""
    z = np.abs(x)
    z *= np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * np.float32(1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        poly += np.float32(coefficient)
        poly *= t
    np.multiply(z, z, out=z)
    np.negative(z, out=z)
    np.exp(z, out=z)
    poly *= z  # erfc(|x| / sqrt(2))
    poly *= x
    poly *= np.float32(0.5)
    np.abs(poly, out=poly)  # |x| * Phi(-|x|)
    np.maximum(x, 0, out=y)
    np.subtract(y, poly, out=y)


FORMULAS = {f.__name__: f for f in (relu, sigmoid, tanh, silu, gelu)}


@dataclass(frozen=True)
class Activation(Operation):
    name: str
    size: int
    family = "elementwise"

    @property
    def kernel(self):
        return self.name

    def inputs(self, rng):
        return {"x": normal(rng, self.size)}

    def tatami(self, kernels, x):
        activation = getattr(kernels, self.name)
        return lambda: activation(x)

    def numpy(self, x):
        formula, y = FORMULAS[self.name], np.empty_like(x)

        def call():
            for start in range(0, self.size, BLOCK):
                formula(x[start : start + BLOCK], y[start : start + BLOCK])
            return y

        return call

    def torch(self, torch, x):
        module = torch if hasattr(torch, self.name) else torch.nn.functional
        activation = getattr(module, self.name)
        return lambda: activation(x)


@dataclass(frozen=True)
class ReluGrad(Operation):
    size: int
    family = "elementwise"
    kernel = "relu_grad"

    def inputs(self, rng):
        return {"grad_y": normal(rng, self.size), "x": normal(rng, self.size)}

    def tatami(self, kernels, grad_y, x):
        grad = kernels.relu_grad
        return lambda: grad(grad_y, x)

    def numpy(self, grad_y, x):
        grad_x = np.empty_like(x)

        def call():
            for start in range(0, self.size, BLOCK):
                part = slice(start, start + BLOCK)
                np.multiply(grad_y[part], x[part] > 0, out=grad_x[part])
            return grad_x

        return call

    def torch(self, torch, grad_y, x):
        grad = torch.ops.aten.threshold_backward
        return lambda: grad(grad_y, x, 0)


@dataclass(frozen=True)
class Softmax(Operation):
    rows: int
    columns: int
    family = "softmax"
    kernel = "softmax"

    def inputs(self, rng):
        return {"x": normal(rng, self.rows, self.columns)}

    def tatami(self, kernels, x):
        softmax = kernels.softmax
        return lambda: softmax(x)

    def numpy(self, x):
        y = np.empty_like(x)
        step = max(1, BLOCK // self.columns)

        def call():
            for start in range(0, self.rows, step):
                rows, out = x[start : start + step], y[start : start + step]
                np.subtract(rows, rows.max(axis=1, keepdims=True), out=out)
                np.exp(out, out=out)
                np.multiply(out, 1 / out.sum(axis=1, keepdims=True), out=out)
            return y

        return call

    def torch(self, torch, x):
        return lambda: torch.softmax(x, -1)


@dataclass(frozen=True)
class SoftmaxGrad(Operation):
    rows: int
    columns: int
    family = "softmax"
    kernel = "softmax_grad"

    def inputs(self, rng):
        y = np.exp(normal(rng, self.rows, self.columns))
        y /= y.sum(axis=1, keepdims=True)
        return {"grad_y": normal(rng, self.rows, self.columns), "y": y}

    def tatami(self, kernels, grad_y, y):
        grad = kernels.softmax_grad
        return lambda: grad(grad_y, y)

    def numpy(self, grad_y, y):
        grad_x = np.empty_like(y)

        def call():
            np.subtract(grad_y, np.einsum("nc,nc->n", grad_y, y)[:, None], out=grad_x)
            return np.multiply(grad_x, y, out=grad_x)

        return call

    def torch(self, torch, grad_y, y):
        grad = torch.ops.aten._softmax_backward_data
        return lambda: grad(grad_y, y, -1, torch.float32)


@dataclass(frozen=True)
class CrossEntropy(Operation):
    rows: int
    classes: int
    family = "softmax"
    kernel = "cross_entropy"

    def inputs(self, rng):
        target = rng.integers(0, self.classes, self.rows)
        return {"logits": normal(rng, self.rows, self.classes), "target": target}

    def tatami(self, kernels, logits, target):
        loss = kernels.cross_entropy
        return lambda: loss(logits, target)

    def numpy(self, logits, target):
        row = np.arange(self.rows)

        def call():
            shifted = logits - logits.max(axis=1, keepdims=True)
            chosen = shifted[row, target]
            return (np.log(np.exp(shifted, out=shifted).sum(axis=1)) - chosen).mean()

        return call

    def torch(self, torch, logits, target):
        loss = torch.nn.functional.cross_entropy
        return lambda: loss(logits, target)
