"""Normalisations. A gradient's case runs the forward pass for its cache."""

import numpy as np

import reference as R
from cases.case import Case
from support import fresh


def _bound(x, y, cache, weight):
    """Rounding of x and its mean, scaled as the result is, and of the result."""
    scale = np.max(cache.inverse) * (1 if weight is None else np.abs(weight).max())
    return np.abs(y) + scale * (np.abs(x) + np.abs(x).mean())


def _grad_bounds(gy, cache, grads):
    """Each gradient is a sum of grad_y times numbers of the size of z."""
    z = np.abs(cache.z)
    size = np.abs(gy).max() * (1 + z.max()) ** 2
    weight = 1 if cache.weight is None else np.abs(cache.weight).max()
    rows = gy.size / max(np.size(grads[-1]), 1)
    sums = [size * rows] * (len(grads) - 1)
    return (np.full(gy.shape, size * weight * np.max(cache.inverse)), *sums)


def _norm(name, call, x_shape, parameters, label="", fixed=()):
    """call(K, x, *parameters, *fixed, **rest); `fixed` are running statistics."""

    def arrays(source, n):
        x = 2 * source(n, *x_shape) + 1
        more = [source(*p) for p in parameters]
        return [x, *more, *(make(source) for make in fixed)]

    def forward_bound(x, *rest):
        y, cache = call(R, x, *rest, return_cache=True)
        return _bound(x, y, cache, rest[0] if parameters else None)

    def backward(K, gy, *rest):
        _, cache = call(K, *rest, return_cache=True)
        return getattr(K, f"{name}_grad")(gy, cache)

    def backward_bound(gy, *rest):
        _, cache = call(R, *rest, return_cache=True)
        grads = [g for g in getattr(R, f"{name}_grad")(gy, cache) if g is not None]
        return _grad_bounds(gy, cache, grads)

    large = 2 + 600_000 // int(np.prod(x_shape))
    label = f"{x_shape} {label}"
    return [
        Case(name, call, arrays, forward_bound, large=large, label=label),
        Case(
            f"{name}_grad",
            backward,
            lambda source, n: [source(n, *x_shape), *arrays(source, n)],
            backward_bound,
            large=large,
            label=label,
        ),
    ]


def _batch(K, x, w, b, **rest):
    return K.batch_norm(x, None, None, w, b, True, **rest)


def _batch_plain(K, x, **rest):
    return K.batch_norm(x, None, None, training=True, **rest)


def _batch_fixed(K, x, w, b, mean, var, **rest):
    return K.batch_norm(x, mean, var, w, b, **rest)


def _batch_relu(K, x, w, b, **rest):
    return K.batch_norm(x, None, None, w, b, True, activation="relu", **rest)


def _batch_leaky(K, x, w, b, mean, var, **rest):
    how = {"activation": "leaky_relu", "negative_slope": 0.2}
    return K.batch_norm(x, mean, var, w, b, **how, **rest)


def _batch_joined(K, x, w, b, residual):
    return K.batch_norm(x, None, None, w, b, True, residual=residual, activation="relu")


def _joined(x_shape):
    def bound(x, w, b, residual):
        y, cache = R.batch_norm(x, None, None, w, b, True, residual=residual, return_cache=True)
        return _bound(x, y, cache, w) + np.abs(residual)

    return Case(
        "batch_norm",
        _batch_joined,
        lambda source, n: [2 * source(n, *x_shape) + 1, source(6), source(6), source(n, *x_shape)],
        bound,
        large=2 + 600_000 // int(np.prod(x_shape)),
        label=f"{x_shape} and a residual",
    )


def _batch_running(K, x, mean, var):
    """Running statistics are updated in place: here they are results."""
    mean, var = fresh(mean), fresh(var)
    y = K.batch_norm(x, mean, var, training=True, momentum=0.3)
    return y, mean, var


def _instance(K, x, w, b, **rest):
    return K.instance_norm(x, None, None, w, b, **rest)


def _instance_plain(K, x, **rest):
    return K.instance_norm(x, **rest)


def _instance_fixed(K, x, w, b, mean, var, **rest):
    return K.instance_norm(x, mean, var, w, b, False, **rest)


def _instance_running(K, x, mean, var):
    mean, var = fresh(mean), fresh(var)
    y = K.instance_norm(x, mean, var, momentum=0.3)
    return y, mean, var


def _group(K, x, w, b, **rest):
    return K.group_norm(x, 3, w, b, **rest)


def _group_plain(K, x, **rest):
    return K.group_norm(x, 2, **rest)


def _layer(K, x, w, b, **rest):
    return K.layer_norm(x, w.shape, w, b, **rest)


def _layer_plain(K, x, **rest):
    return K.layer_norm(x, x.shape[-1:], **rest)


def _rms(K, x, w, **rest):
    return K.rms_norm(x, w.shape, w, **rest)


def _rms_plain(K, x, **rest):
    return K.rms_norm(x, x.shape[-1:], **rest)


def _running(name, call, x_shape):
    def bound(x, mean, var):
        y, new_mean, new_var = (np.abs(r) for r in call(R, x, mean, var))
        size = np.abs(x).max()
        return y + 8 * size, new_mean + size, new_var + size**2

    return Case(
        name,
        call,
        lambda source, n: [2 * source(n, *x_shape) + 1, source(6), source.positive(6)],
        bound,
        in_place=True,
        large=4001,
        label=f"{x_shape} running statistics",
    )


PAIR = ((6,), (6,))
FIXED = (lambda source: source(6), lambda source: source.positive(6))

CASES = [
    case
    for cases in (
        *(_norm("batch_norm", _batch, shape, PAIR) for shape in ((6,), (6, 37), (6, 5, 7))),
        _norm("batch_norm", _batch_plain, (6, 37), (), "plain"),
        _norm("batch_norm", _batch_fixed, (6, 37), PAIR, "fixed", FIXED),
        _norm("batch_norm", _batch_fixed, (6,), PAIR, "fixed", FIXED),
        _norm("batch_norm", _batch_relu, (6, 5, 7), PAIR, "relu"),
        _norm("batch_norm", _batch_relu, (6, 5), PAIR, "relu"),
        _norm("batch_norm", _batch_leaky, (6, 37), PAIR, "leaky", FIXED),
        [_joined((6, 37)), _joined((6,))],
        _norm("instance_norm", _instance, (6, 5, 7), PAIR),
        _norm("instance_norm", _instance_plain, (6, 37), (), "plain"),
        _norm("instance_norm", _instance_fixed, (6, 5, 7), PAIR, "fixed", FIXED),
        _norm("group_norm", _group, (6, 5, 7), PAIR),
        _norm("group_norm", _group, (6,), PAIR),
        _norm("group_norm", _group_plain, (6, 37), (), "plain"),
        _norm("layer_norm", _layer, (3, 37), ((37,), (37,))),
        _norm("layer_norm", _layer, (3, 5, 37), ((5, 37), (5, 37))),
        _norm("layer_norm", _layer, (650,), ((650,), (650,))),
        _norm("layer_norm", _layer_plain, (37,), (), "plain"),
        _norm("rms_norm", _rms, (3, 37), ((37,),)),
        _norm("rms_norm", _rms, (5, 37), ((5, 37),)),
        _norm("rms_norm", _rms_plain, (37,), (), "plain"),
        [_running("batch_norm", _batch_running, (6, 37))],
        [_running("instance_norm", _instance_running, (6, 37))],
    )
    for case in cases
]
