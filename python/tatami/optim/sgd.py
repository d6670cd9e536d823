"""Stochastic gradient descent."""

from .. import kernels as K
from .optimizer import Optimizer


class SGD(Optimizer):
    """Steps against the gradient, with momentum on request (Sutskever et al., 2013)."""

    def __init__(
        self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False
    ):
        if nesterov and (momentum <= 0 or dampening):
            raise ValueError("SGD: nesterov needs momentum > 0 and no dampening")
        settings = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def update(self, params, grads, state, *, momentum, dampening, **settings):
        buffers = state("momentum_buffer") if momentum else None
        if state.step == 1:  # the first gradient enters the momentum whole
            dampening = 0.0
        K.sgd_step(params, grads, buffers, momentum=momentum, dampening=dampening, **settings)
