"""Optimizer steps, in place over a model's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .operation import BLOCK, Operation, normal

STEP, LR, BETA1, BETA2, EPS = 10, 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class AdamStep(Operation):
    """One step over `size` parameters; the result is parameter and both averages, in place."""

    size: int
    family = "optimizer"
    kernel = "adam_step"

    def inputs(self, rng):
        made = {name: normal(rng, self.size) for name in ("param", "grad", "average")}
        return made | {"square": np.square(normal(rng, self.size))}

    def tatami(self, kernels, param, grad, average, square):
        adam_step = kernels.adam_step
        lists = [param], [grad], [average], [square]

        def call():
            adam_step(*lists, step=STEP, lr=LR, betas=(BETA1, BETA2), eps=EPS)
            return param, average, square

        return call

    def numpy(self, param, grad, average, square):
        def call():
            for start in range(0, self.size, BLOCK):
                part = slice(start, start + BLOCK)
                self.numpy_step(param[part], grad[part], average[part], square[part])
            return param, average, square

        return call

    @staticmethod
    def numpy_step(param, grad, average, square):
        average *= np.float32(BETA1)
        average += grad * np.float32(1 - BETA1)
        term = grad * grad
        term *= np.float32(1 - BETA2)
        square *= np.float32(BETA2)
        square += term
        np.sqrt(square, out=term)
        term *= np.float32((1 - BETA2**STEP) ** -0.5)
        term += np.float32(EPS)
        np.divide(average, term, out=term)
        term *= np.float32(LR / (1 - BETA1**STEP))
        param -= term

    def torch(self, torch, param, grad, average, square):
        fused = torch.ops.aten._fused_adam_  # what Adam(fused=True) calls

        def call():
            steps = [torch.tensor(float(STEP))]
            lists = [param], [grad], [average], [square], [], steps
            fused(
                *lists,
                lr=LR,
                beta1=BETA1,
                beta2=BETA2,
                weight_decay=0.0,
                eps=EPS,
                amsgrad=False,
                maximize=False,
            )
            return param, average, square

        return call


@dataclass(frozen=True)
class SgdStep(Operation):
    """One step with momentum; the result is parameter and momentum buffer, in place."""

    size: int
    family = "optimizer"
    kernel = "sgd_step"

    def inputs(self, rng):
        return {name: normal(rng, self.size) for name in ("param", "grad", "momentum")}

    def tatami(self, kernels, param, grad, momentum):
        sgd_step = kernels.sgd_step
        lists = [param], [grad], [momentum]

        def call():
            sgd_step(*lists, lr=LR, momentum=0.9)
            return param, momentum

        return call

    def numpy(self, param, grad, momentum):
        def call():
            for start in range(0, self.size, BLOCK):
                part = slice(start, start + BLOCK)
                momentum[part] *= np.float32(0.9)
                momentum[part] += grad[part]
                param[part] -= np.float32(LR) * momentum[part]
            return param, momentum

        return call

    def torch(self, torch, param, grad, momentum):
        fused = torch.ops.aten._fused_sgd_

        def call():
            fused(
                [param],
                [grad],
                [momentum],
                lr=LR,
                weight_decay=0.0,
                momentum=0.9,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=False,
            )
            return param, momentum

        return call
