"""Adam and its variants."""

from .. import kernels as K
from .optimizer import Optimizer


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient (Kingma & Ba, 2015).

    ``amsgrad`` divides by the largest second moment so far (Reddi et al., 2018).
    """

    kernel = staticmethod(K.adam_step)

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        amsgrad=False,
        *,
        maximize=False,
    ):
        settings = {"weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize}
        super().__init__(params, lr=lr, betas=betas, eps=eps, **settings)

    def update(self, params, grads, state, *, amsgrad, **settings):
        moments = (state("exp_avg"), state("exp_avg_sq"))
        largest = state("max_exp_avg_sq") if amsgrad else None
        self.kernel(params, grads, *moments, largest, step=state.step, **settings)


class AdamW(Adam):
    """Adam whose weight decay acts on the weights alone (Loshchilov & Hutter, 2019)."""

    kernel = staticmethod(K.adamw_step)

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
    ):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class AMSGrad(Adam):
    """Adam with ``amsgrad=True``, by its own name."""

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, *, maximize=False
    ):
        super().__init__(params, lr, betas, eps, weight_decay, True, maximize=maximize)


class Adamax(Optimizer):
    """Adam that divides by the largest gradient, slowly forgotten (Kingma & Ba, 2015)."""

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        *,
        maximize=False,
    ):
        settings = {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, lr=lr, betas=betas, eps=eps, **settings)

    def update(self, params, grads, state, **settings):
        moments = (state("exp_avg"), state("exp_inf"))
        K.adamax_step(params, grads, *moments, step=state.step, **settings)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, which grows from step to step (Dozat, 2016)."""

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def _kind(self, p, own):
        return *super()._kind(p, own), own.get("mu_product")

    def update(self, params, grads, state, **settings):
        moments = (state("exp_avg"), state("exp_avg_sq"))
        before = state.states[0].get("mu_product", 1.0) if state.states else 1.0
        product = K.nadam_step(
            params, grads, *moments, step=state.step, mu_product=before, **settings
        )
        for own in state.states:
            own["mu_product"] = product


Nadam = NAdam
