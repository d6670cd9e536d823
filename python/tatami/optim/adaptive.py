"""Steps scaled by the size of past gradients: Adagrad and what grew out of it."""

from .. import kernels as K
from .optimizer import Optimizer


class Adagrad(Optimizer):
    """Divides by the root of all squared gradients so far (Duchi et al., 2011).

    The rate of step t is ``lr / (1 + (t - 1) * lr_decay)``.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0.0,
        weight_decay=0.0,
        initial_accumulator_value=0.0,
        eps=1e-10,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def update(self, params, grads, state, *, lr, lr_decay, initial_accumulator_value, **settings):
        if not (lr_decay >= 0 and initial_accumulator_value >= 0):
            raise ValueError(
                f"Adagrad: lr_decay is {lr_decay} and initial_accumulator_value "
                f"{initial_accumulator_value}; neither may be negative"
            )
        sums = state("sum", fill=initial_accumulator_value)
        K.adagrad_step(params, grads, sums, lr=lr / (1 + (state.step - 1) * lr_decay), **settings)


class Adadelta(Optimizer):
    """Steps in the proportion of past steps to past gradients (Zeiler, 2012)."""

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, *, maximize=False):
        settings = {"eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, lr=lr, rho=rho, **settings)

    def update(self, params, grads, state, **settings):
        K.adadelta_step(params, grads, state("square_avg"), state("acc_delta"), **settings)


class RMSprop(Optimizer):
    """Divides by the root of the average squared gradient (Tieleman & Hinton, 2012).

    ``centered`` takes the square of the average gradient off it; ``momentum`` lets the quotients
    accumulate.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0.0,
        momentum=0.0,
        centered=False,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def update(self, params, grads, state, *, momentum, centered, **settings):
        buffers = state("momentum_buffer") if momentum else None
        averages = state("grad_avg") if centered else None
        squares = state("square_avg")
        K.rmsprop_step(params, grads, squares, buffers, averages, momentum=momentum, **settings)
