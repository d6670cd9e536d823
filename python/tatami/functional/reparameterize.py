"""Gaussian draws through which gradients flow."""

from .. import kernels as K
from .. import random
from ..autograd import Op

_reparameterize = Op(
    K.reparameterize,
    lambda g, _z, _mean, _log_variance, seed: g,
    lambda g, _z, _mean, log_variance, seed: _grad(g, log_variance, seed=seed),
)
# Linear in grad_z; an exponential of log_variance / 2, which halves at every derivative.
_grad = Op(
    K.reparameterize_grad,
    lambda gg, _y, _grad_z, log_variance, seed: _grad(gg, log_variance, seed=seed),
    lambda gg, y, _grad_z, _log_variance, seed: gg * y * 0.5,
)


def reparameterize(mean, log_variance, *, seed=None):
    """``mean + exp(log_variance / 2) * eps``; see :func:`tatami.kernels.reparameterize`.

    ``seed`` fixes the noise; by default it is drawn from the generator that
    :func:`tatami.manual_seed` sets.
    """
    seed = random.seed() if seed is None else seed
    return _reparameterize(mean, log_variance, seed=seed)
