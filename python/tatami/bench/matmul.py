"""Matrix products and fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import Node, Operation, normal


@dataclass(frozen=True)
class Matmul(Operation):
    """a (m, k) @ b (k, n); `transposed` holds a as the transposed view of a (k, m) array."""

    m: int
    k: int
    n: int
    transposed: bool = False
    family = "matmul"
    kernel = "matmul"
    peers = ("torch", "onnxruntime")

    @property
    def flops(self):
        return 2 * self.m * self.k * self.n

    def inputs(self, rng):
        a = normal(rng, self.k, self.m).T if self.transposed else normal(rng, self.m, self.k)
        return {"a": a, "b": normal(rng, self.k, self.n)}

    def tatami(self, kernels, a, b):
        matmul = kernels.matmul
        return lambda: matmul(a, b)

    def numpy(self, a, b):
        out = np.empty((self.m, self.n), a.dtype)
        return lambda: np.matmul(a, b, out=out)

    def torch(self, torch, a, b):
        return lambda: torch.matmul(a, b)

    def onnx(self, a, b):
        return [Node("MatMul", ["a", "b"], ["y"])], {"b": b}


@dataclass(frozen=True)
class Linear(Operation):
    """relu(x (n, i) @ weight (o, i).T + bias)."""

    n: int
    i: int
    o: int
    family = "matmul"
    kernel = "linear"
    peers = ("torch", "onnxruntime")

    @property
    def flops(self):
        return 2 * self.n * self.i * self.o

    def inputs(self, rng):
        return {
            "x": normal(rng, self.n, self.i),
            "weight": normal(rng, self.o, self.i),
            "bias": normal(rng, self.o),
        }

    def tatami(self, kernels, x, weight, bias):
        linear = kernels.linear
        return lambda: linear(x, weight, bias, activation="relu")

    def numpy(self, x, weight, bias):
        y = np.empty((self.n, self.o), x.dtype)

        def call():
            np.matmul(x, weight.T, out=y)
            np.add(y, bias, out=y)
            return np.maximum(y, 0, out=y)

        return call

    def torch(self, torch, x, weight, bias):
        linear = torch.nn.functional.linear
        return lambda: torch.relu_(linear(x, weight, bias))

    def onnx(self, x, weight, bias):
        product = Node("Gemm", ["x", "weight", "bias"], ["before"], {"transB": 1})
        return [product, Node("Relu", ["before"], ["y"])], {"weight": weight, "bias": bias}
