"""Adam and its variants."""

from .. import kernels as K
from .optimizer import Optimizer


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient (Kingma & Ba, 2015).

    ``amsgrad`` divides by the largest second moment so far (Reddi et al., 2018).
    """

    kernel = staticmethod(K.adam_step)

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False
    ):
        settings = {"betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        super().__init__(params, lr=lr, **settings)

    def update(self, params, grads, state, *, amsgrad, **settings):
        moments = (state("exp_avg"), state("exp_avg_sq"))
        largest = state("max_exp_avg_sq") if amsgrad else None
        self.kernel(params, grads, *moments, largest, step=state.step, **settings)


class AdamW(Adam):
    """Adam whose weight decay acts on the weights alone (Loshchilov & Hutter, 2019)."""

    kernel = staticmethod(K.adamw_step)

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False
    ):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)
