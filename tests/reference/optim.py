"""Optimizer steps with PyTorch's formulas, in place over lists of arrays."""

import numpy as np

from reference.activation import f64

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


def _rows(*lists):
    """One tuple of arrays for each parameter; an absent list gives None."""
    length = len(lists[0])
    return zip(*(([None] * length) if one is None else one for one in lists), strict=True)


def _decayed(p, g, weight_decay, maximize):
    return (-f64(g) if maximize else f64(g)) + weight_decay * f64(p)


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
    for p, g, buffer in _rows(params, grads, momentum_buffers):
        g = _decayed(p, g, weight_decay, maximize)
        if buffer is not None:
            buffer[...] = momentum * f64(buffer) + (1 - dampening) * g
            g = g + momentum * f64(buffer) if nesterov else f64(buffer)
        p[...] = f64(p) - lr * g


def adagrad_step(params, grads, state_sums, *, lr, eps=1e-10, weight_decay=0.0, maximize=False):
    for p, g, total in _rows(params, grads, state_sums):
        g = _decayed(p, g, weight_decay, maximize)
        total[...] = f64(total) + g * g
        p[...] = f64(p) - lr * g / (np.sqrt(f64(total)) + eps)


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
    for p, g, square, acc in _rows(params, grads, square_avgs, acc_deltas):
        g = _decayed(p, g, weight_decay, maximize)
        square[...] = rho * f64(square) + (1 - rho) * g * g
        delta = np.sqrt(f64(acc) + eps) / np.sqrt(f64(square) + eps) * g
        acc[...] = rho * f64(acc) + (1 - rho) * delta * delta
        p[...] = f64(p) - lr * delta


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
    for p, g, square, buffer, mean in _rows(
        params, grads, square_avgs, momentum_buffers, grad_avgs
    ):
        g = _decayed(p, g, weight_decay, maximize)
        square[...] = alpha * f64(square) + (1 - alpha) * g * g
        variance = f64(square)
        if mean is not None:
            mean[...] = alpha * f64(mean) + (1 - alpha) * g
            variance = variance - f64(mean) ** 2
        update = g / (np.sqrt(variance) + eps)
        if buffer is not None:
            buffer[...] = momentum * f64(buffer) + update
            update = f64(buffer)
        p[...] = f64(p) - lr * update


def _adam(p, g, m, v, v_max, step, lr, betas, eps):
    m[...] = betas[0] * f64(m) + (1 - betas[0]) * g
    v[...] = betas[1] * f64(v) + (1 - betas[1]) * g * g
    second = f64(v)
    if v_max is not None:
        v_max[...] = np.maximum(f64(v_max), second)
        second = f64(v_max)
    deviation = np.sqrt(second / (1 - betas[1] ** step)) + eps
    p[...] = f64(p) - lr * f64(m) / (1 - betas[0] ** step) / deviation


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
    for p, g, m, v, v_max in _rows(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs):
        _adam(p, _decayed(p, g, weight_decay, maximize), m, v, v_max, step, lr, betas, eps)


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
    for p, g, m, v, v_max in _rows(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs):
        p[...] = f64(p) * (1 - lr * weight_decay)
        _adam(p, _decayed(p, g, 0, maximize), m, v, v_max, step, lr, betas, eps)


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
    for p, g, m, u in _rows(params, grads, exp_avgs, exp_infs):
        g = _decayed(p, g, weight_decay, maximize)
        m[...] = betas[0] * f64(m) + (1 - betas[0]) * g
        u[...] = np.maximum(betas[1] * f64(u), np.abs(g) + eps)
        p[...] = f64(p) - lr / (1 - betas[0] ** step) * f64(m) / f64(u)


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
    mu, mu_next = (betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay)) for t in (step, step + 1))
    mu_product = mu_product * mu
    for p, g, m, v in _rows(params, grads, exp_avgs, exp_avg_sqs):
        if decoupled_weight_decay:
            p[...] = f64(p) * (1 - lr * weight_decay)
        g = _decayed(p, g, 0 if decoupled_weight_decay else weight_decay, maximize)
        m[...] = betas[0] * f64(m) + (1 - betas[0]) * g
        v[...] = betas[1] * f64(v) + (1 - betas[1]) * g * g
        deviation = np.sqrt(f64(v) / (1 - betas[1] ** step)) + eps
        ahead = (1 - mu) / (1 - mu_product) * g + mu_next / (1 - mu_product * mu_next) * f64(m)
        p[...] = f64(p) - lr * ahead / deviation
    return mu_product


def ema_step(averages, params, *, decay):
    for average, p in _rows(averages, params):
        average[...] = decay * f64(average) + (1 - decay) * f64(p)


def global_norm(arrays):
    return float(np.sqrt(sum(np.sum(np.square(f64(a))) for a in arrays)))


def scale_all(arrays, factor):
    for a in arrays:
        a[...] = f64(a) * factor


def clip_all(arrays, limit):
    for a in arrays:
        a[...] = np.clip(f64(a), -limit, limit)
