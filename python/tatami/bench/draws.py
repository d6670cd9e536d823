"""Random draws: dropout, and the noise of variational codes.

Every library has random numbers of its own. So that their results can be compared nevertheless,
all elements are kept but one in 10^12, and the noise is far smaller than what it is added to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import BLOCK, Operation, normal

P = 1e-12
SMALL = np.float32(-30)  # a log variance


@dataclass(frozen=True)
class Dropout(Operation):
    size: int
    family = "draws"
    kernel = "dropout"

    def inputs(self, rng):
        return {"x": normal(rng, self.size)}

    def tatami(self, kernels, x):
        dropout = kernels.dropout
        return lambda: dropout(x, P, seed=1)

    def numpy(self, x):
        rng, y, mask = np.random.default_rng(1), np.empty_like(x), np.empty(x.shape, bool)
        scale = np.float32(1 / (1 - P))

        def call():
            for start in range(0, self.size, BLOCK):
                part = slice(start, start + BLOCK)
                drawn = rng.random(len(x[part]), np.float32)
                np.greater_equal(drawn, np.float32(P), out=mask[part])
                np.multiply(x[part], mask[part], out=y[part])
                y[part] *= scale
            return y, mask

        return call

    def torch(self, torch, x):
        return lambda: torch.native_dropout(x, P, True)


@dataclass(frozen=True)
class DropoutGrad(Operation):
    size: int
    family = "draws"
    kernel = "dropout_grad"

    def inputs(self, rng):
        return {"grad_y": normal(rng, self.size), "mask": rng.random(self.size) < 0.5}

    def tatami(self, kernels, grad_y, mask):
        grad = kernels.dropout_grad
        return lambda: grad(grad_y, mask, 0.5)

    def numpy(self, grad_y, mask):
        grad_x = np.empty_like(grad_y)

        def call():
            for start in range(0, self.size, BLOCK):
                part = slice(start, start + BLOCK)
                np.multiply(grad_y[part], mask[part], out=grad_x[part])
                grad_x[part] *= 2
            return grad_x

        return call

    def torch(self, torch, grad_y, mask):
        grad = torch.ops.aten.native_dropout_backward
        return lambda: grad(grad_y, mask, 2.0)


@dataclass(frozen=True)
class Reparameterize(Operation):
    size: int
    family = "draws"
    kernel = "reparameterize"

    def inputs(self, rng):
        mean, log_variance = normal(rng, 2, self.size)
        return {"mean": mean, "log_variance": log_variance + SMALL}

    def tatami(self, kernels, mean, log_variance):
        reparameterize = kernels.reparameterize
        return lambda: reparameterize(mean, log_variance, seed=1)

    def numpy(self, mean, log_variance):
        rng, z = np.random.default_rng(1), np.empty_like(mean)

        def call():
            for start in range(0, self.size, BLOCK):
                part = slice(start, start + BLOCK)
                out = z[part]
                np.multiply(log_variance[part], np.float32(0.5), out=out)
                np.exp(out, out=out)
                out *= rng.standard_normal(len(out), np.float32)
                out += mean[part]
            return z

        return call

    def torch(self, torch, mean, log_variance):
        return lambda: mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
