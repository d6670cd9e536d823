"""Recurrent layers over whole sequences: inference, and forward plus backward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import recurrent_numpy
from .operation import Node, Operation, normal, uniform


@dataclass(frozen=True)
class Recurrent(Operation):
    """One layer: x (t, n, i) -> y (t, n, h); in training also the gradients of y's sum with grad_y.

    The results are y, and in training the gradients of x, w_ih, w_hh, b_ih and b_hh.
    """

    t: int
    n: int
    i: int
    h: int
    training: bool = False
    family = "recurrent"
    kernel = ""
    gates = 1
    onnx_order = (0,)  # of its gates, by PyTorch's numbers
    onnx_settings = {}  # noqa: RUF012

    @property
    def peers(self):
        return ("torch",) if self.training else ("torch", "onnxruntime")

    @property
    def flops(self):
        forward = 2 * self.t * self.n * self.gates * self.h * (self.i + self.h)
        return 3 * forward if self.training else forward

    def inputs(self, rng):
        rows, bound = self.gates * self.h, self.h**-0.5
        made = {
            "x": normal(rng, self.t, self.n, self.i),
            "w_ih": uniform(rng, bound, rows, self.i),
            "w_hh": uniform(rng, bound, rows, self.h),
            "b_ih": uniform(rng, bound, rows),
            "b_hh": uniform(rng, bound, rows),
        }
        if self.training:
            made["grad_y"] = normal(rng, self.t, self.n, self.h)
        return made

    def tatami(self, kernels, x, w_ih, w_hh, b_ih, b_hh, grad_y=None):
        forward = getattr(kernels, self.kernel)
        if not self.training:
            return lambda: forward(x, w_ih, w_hh, b_ih, b_hh)[0]
        backward = getattr(kernels, self.kernel + "_grad")
        no_grads = (None,) * (2 if self.kernel == "lstm" else 1)  # of h_n and c_n

        def call():
            y, *_, cache = forward(x, w_ih, w_hh, b_ih, b_hh, return_cache=True)
            return (y, *backward(grad_y, *no_grads, cache)[:5])

        return call

    def numpy(self, x, w_ih, w_hh, b_ih, b_hh, grad_y=None):
        cell = recurrent_numpy.CELLS[self.kernel]

        def call():
            forward = recurrent_numpy.forward(cell, x, w_ih, w_hh, b_ih, b_hh)
            if not self.training:
                return forward.y
            return (forward.y, *recurrent_numpy.backward(cell, forward, x, w_ih, w_hh, grad_y))

        return call

    def torch(self, torch, x, w_ih, w_hh, b_ih, b_hh, grad_y=None):
        layer = getattr(torch.nn, self.kernel.upper())(self.i, self.h, dtype=x.dtype)
        weights = list(layer.parameters())
        with torch.no_grad():
            for mine, given in zip(weights, (w_ih, w_hh, b_ih, b_hh), strict=True):
                mine.copy_(given)
        if not self.training:
            return lambda: layer(x)[0]
        x.requires_grad_()

        def call():
            y = layer(x)[0]
            return (y, *torch.autograd.grad(y, [x, *weights], grad_y))

        return call

    def onnx(self, x, w_ih, w_hh, b_ih, b_hh):
        def ordered(w):
            parts = np.split(w, self.gates)
            return np.concatenate([parts[k] for k in self.onnx_order])

        weights = [ordered(w)[None] for w in (w_ih, w_hh)]
        bias = np.concatenate([ordered(b) for b in (b_ih, b_hh)])[None]
        settings = {"hidden_size": self.h, **self.onnx_settings}
        layer = Node(self.kernel.upper(), ["x", "w_ih", "w_hh", "bias"], ["by_direction"], settings)
        constants = dict(zip(("w_ih", "w_hh"), weights), bias=bias, axes=np.array([1]))
        return [layer, Node("Squeeze", ["by_direction", "axes"], ["y"])], constants


@dataclass(frozen=True)
class Lstm(Recurrent):
    kernel = "lstm"
    gates = 4
    onnx_order = (0, 3, 1, 2)


@dataclass(frozen=True)
class Gru(Recurrent):
    kernel = "gru"
    gates = 3
    onnx_order = (1, 0, 2)
    onnx_settings = {"linear_before_reset": 1}  # noqa: RUF012


@dataclass(frozen=True)
class Rnn(Recurrent):
    kernel = "rnn"
