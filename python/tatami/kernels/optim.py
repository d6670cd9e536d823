"""Optimizer steps: fused, in place, over a whole list of parameters in one call.

Every list holds one array for each parameter, of its shape and dtype: gradients of any layout, and
states that the caller keeps, zeros before the first step. Parameters and states are written in
place, so they must be C-contiguous and writable. Everything is checked before anything is written.
Formulas and defaults are PyTorch's (``torch.optim``); ``maximize`` takes every gradient with the
opposite sign.

>>> p, g = numpy.ones(2), numpy.array([1.0, -1.0])
>>> sgd_step([p], [g], lr=0.5)
>>> p
array([0.5, 1.5])
"""

from .. import _core

__all__ = [
    "adadelta_step",
    "adagrad_step",
    "adam_step",
    "adamax_step",
    "adamw_step",
    "clip_all",
    "ema_step",
    "global_norm",
    "nadam_step",
    "rmsprop_step",
    "scale_all",
    "sgd_step",
]


def sgd_step(
    params,
    grads,
    momentum_buffers=None,
    *,
    lr,
    momentum=0.0,
    dampening=0.0,
    weight_decay=0.0,
    nesterov=False,
    maximize=False,
):
    """Gradient descent: ``p -= lr * g``, with ``g`` decayed, then averaged in the momentum buffer.

    ``b = momentum * b + (1 - dampening) * g``; ``nesterov`` steps along ``g + momentum * b``.
    PyTorch fills the buffer with the gradient itself in its first step; to do the same under a
    ``dampening``, pass it as 0 in that step.

    Raises ValueError for a momentum without buffers, and for ``nesterov`` with dampening.
    """
    _core.sgd_step(
        params,
        grads,
        momentum_buffers,
        lr,
        momentum,
        dampening,
        weight_decay,
        nesterov,
        maximize,
    )


def adagrad_step(params, grads, state_sums, *, lr, eps=1e-10, weight_decay=0.0, maximize=False):
    """Adagrad: ``s += g * g``, ``p -= lr * g / (sqrt(s) + eps)``. Duchi et al., JMLR 12, 2011."""
    _core.adagrad_step(params, grads, state_sums, lr, eps, weight_decay, maximize)


def adadelta_step(
    params,
    grads,
    square_avgs,
    acc_deltas,
    *,
    lr=1.0,
    rho=0.9,
    eps=1e-6,
    weight_decay=0.0,
    maximize=False,
):
    """Adadelta: steps ``d = g * sqrt(a + eps) / sqrt(v + eps)``, ``p -= lr * d``.

    ``v`` (``square_avgs``) and ``a`` (``acc_deltas``) average ``g * g`` and ``d * d`` with the
    rate ``rho``. Zeiler, arXiv 1212.5701.
    """
    _core.adadelta_step(
        params, grads, square_avgs, acc_deltas, lr, rho, eps, weight_decay, maximize
    )


def rmsprop_step(
    params,
    grads,
    square_avgs,
    momentum_buffers=None,
    grad_avgs=None,
    *,
    lr,
    alpha=0.99,
    eps=1e-8,
    momentum=0.0,
    weight_decay=0.0,
    maximize=False,
):
    """RMSprop: ``p -= lr * g / (sqrt(v) + eps)`` with ``v`` the average of ``g * g``.

    ``alpha`` is the rate of the averages. With ``momentum_buffers`` the quotients accumulate there,
    ``b = momentum * b + d``, and ``b`` is the step. With ``grad_avgs`` (centred) the square of the
    average gradient is taken off ``v``. Tieleman and Hinton, 2012.
    """
    _core.rmsprop_step(
        params,
        grads,
        square_avgs,
        momentum_buffers,
        grad_avgs,
        lr,
        alpha,
        eps,
        momentum,
        weight_decay,
        maximize,
    )


def adam_step(
    params,
    grads,
    exp_avgs,
    exp_avg_sqs,
    max_exp_avg_sqs=None,
    *,
    step,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    maximize=False,
):
    """Adam: ``p -= lr * m / (sqrt(v) + eps)`` with bias-corrected averages of ``g`` and ``g * g``.

    ``step`` is the number of this step, from 1. With ``max_exp_avg_sqs`` the greatest ``v`` so far
    stands in the root (AMSGrad). Kingma and Ba, arXiv 1412.6980.
    """
    _core.adam_step(
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        step,
        lr,
        betas,
        eps,
        weight_decay,
        maximize,
    )


def adamw_step(
    params,
    grads,
    exp_avgs,
    exp_avg_sqs,
    max_exp_avg_sqs=None,
    *,
    step,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=1e-2,
    maximize=False,
):
    """:func:`adam_step` with the decay apart from the gradient: ``p *= 1 - lr * weight_decay``.

    Loshchilov and Hutter, arXiv 1711.05101.
    """
    _core.adamw_step(
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        step,
        lr,
        betas,
        eps,
        weight_decay,
        maximize,
    )


def adamax_step(
    params,
    grads,
    exp_avgs,
    exp_infs,
    *,
    step,
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    maximize=False,
):
    """Adam by the greatest gradient: ``u = max(betas[1] * u, |g| + eps)``, ``p -= lr * m / u``.

    ``m`` (``exp_avgs``) is the bias-corrected average of ``g``, ``u`` are the ``exp_infs``;
    ``step`` counts from 1. Kingma and Ba, arXiv 1412.6980.
    """
    _core.adamax_step(
        params, grads, exp_avgs, exp_infs, step, lr, betas, eps, weight_decay, maximize
    )


def nadam_step(
    params,
    grads,
    exp_avgs,
    exp_avg_sqs,
    *,
    step,
    mu_product=1.0,
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    maximize=False,
):
    """Adam with Nesterov's momentum; returns ``mu_product``, to be given to the next step.

    The momentum of step t is ``mu = betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))``; the
    product of all so far corrects the average's bias. ``step`` counts from 1.
    ``decoupled_weight_decay`` decays as :func:`adamw_step` does. Dozat, ICLR workshop 2016.
    """
    return _core.nadam_step(
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        step,
        mu_product,
        lr,
        betas,
        eps,
        weight_decay,
        momentum_decay,
        decoupled_weight_decay,
        maximize,
    )


def ema_step(averages, params, *, decay):
    """Exponential moving averages of parameters: ``a = decay * a + (1 - decay) * p``, in place."""
    _core.ema_step(averages, params, decay)


def global_norm(arrays):
    """The Euclidean norm of all arrays of a list taken as one vector, as a float.

    Of arrays on a GPU it is an array of no axes there, of float64.

    >>> global_norm([numpy.array([3.0]), numpy.array([[4.0]])])
    5.0
    """
    return _core.global_norm(arrays)


def scale_all(arrays, factor):
    """Multiply every array of a list by ``factor``, in place.

    For arrays on a GPU the factor may be there too, a float64 array of no axes.
    """
    _core.scale_all(arrays, factor)


def clip_all(arrays, limit):
    """Limit every element of a list of arrays to ``[-limit, limit]``, in place; NaN stays."""
    _core.clip_all(arrays, limit)
