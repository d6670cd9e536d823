"""Stochastic gradient descent."""

from .. import kernels as K
from .optimizer import Optimizer


class SGD(Optimizer):
    """Steps against the gradient, with momentum on request (Sutskever et al., 2013)."""

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0.0,
        dampening=0.0,
        weight_decay=0.0,
        nesterov=False,
        *,
        maximize=False,
    ):
        settings = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}
        super().__init__(params, lr=lr, weight_decay=weight_decay, maximize=maximize, **settings)

    def _kind(self, p, own):
        return *super()._kind(p, own), "momentum_buffer" in own

    def update(self, params, grads, state, *, momentum, dampening, **settings):
        if not state.has("momentum_buffer"):
            dampening = 0.0  # the first gradient enters the momentum whole
        buffers = state("momentum_buffer") if momentum else None
        K.sgd_step(params, grads, buffers, momentum=momentum, dampening=dampening, **settings)
