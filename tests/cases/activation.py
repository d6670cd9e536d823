"""Activations and the softmax family."""

import numpy as np

import reference as R
from cases.case import Case


def _matrix(source, n):
    return [4 * source(n, 37)]


def _pair(source, n):
    return [source(n, 37), 4 * source(n, 37)]


def _elementwise(name, exact=False, **settings):
    """Bounds: the rounding of the result, and that of x through the slope."""
    grad = f"{name}_grad"

    def bound(x):
        slope = np.abs(getattr(R, grad)(np.ones_like(x), x, **settings))
        return np.abs(getattr(R, name)(x, **settings)) + np.abs(x) * slope

    return [
        Case(
            name,
            lambda K, x: getattr(K, name)(x, **settings),
            _matrix,
            bound,
            exact=exact,
            batch=(0, (0,)),
            label=f"{settings or ''}",
        ),
        Case(
            grad,
            lambda K, gy, x: getattr(K, grad)(gy, x, **settings),
            _pair,
            lambda gy, x: np.abs(gy) * (1 + np.abs(x)),
            exact=exact,
            batch=(0, (0, 1)),
            label=f"{settings or ''}",
        ),
    ]


def _prelu(shape, slopes):
    return [
        Case(
            "prelu",
            lambda K, x, w: K.prelu(x, w),
            lambda source, n: [source(n, *shape), source(slopes)],
            exact=True,
            batch=(0, (0,)),
            large=3001,
            label=f"{shape} {slopes}",
        ),
        Case(
            "prelu_grad",
            lambda K, gy, x, w: K.prelu_grad(gy, x, w),
            lambda source, n: [source(n, *shape), source(n, *shape), source(slopes)],
            lambda gy, x, w: R.prelu_grad(np.abs(gy), -np.abs(x), 1 + np.abs(w)),
            exact=True,
            large=3001,
            label=f"{shape} {slopes}",
        ),
    ]


def _softmax_bound(x, axis):
    y = R.softmax(x, axis)
    top = np.abs(x).max(axis=axis, keepdims=True)
    return y * (1 + top + np.abs(x))


def _log_softmax_bound(x, axis):
    return 1 + np.abs(R.log_softmax(x, axis)) + np.abs(x) + np.abs(x).max(axis, keepdims=True)


def _softmax_grad_bound(gy, y, axis):
    return y * (np.abs(gy) + (np.abs(gy) * y).sum(axis=axis, keepdims=True))


def _log_softmax_grad_bound(gy, y, axis):
    total = np.abs(gy).sum(axis=axis, keepdims=True)
    return np.abs(gy) + np.exp(y) * (1 + np.abs(y)) * total


def _softmax(shape, axis):
    def image(source, n):
        return [3 * source(n, *shape)]

    def outputs(source, n):
        return [source(n, *shape), R.softmax(3 * source(n, *shape), axis)]

    def logs(source, n):
        return [source(n, *shape), R.log_softmax(3 * source(n, *shape), axis)]

    rows = (
        ("softmax", image, lambda x: _softmax_bound(x, axis), (0,)),
        ("log_softmax", image, lambda x: _log_softmax_bound(x, axis), (0,)),
        ("softmax_grad", outputs, lambda gy, y: _softmax_grad_bound(gy, y, axis), (0, 1)),
        ("log_softmax_grad", logs, lambda gy, y: _log_softmax_grad_bound(gy, y, axis), (0, 1)),
    )
    return [
        Case(
            name,
            lambda K, *arrays, name=name: getattr(K, name)(*arrays, axis),
            arrays,
            bound,
            batch=(0, positions),
            large=3001,
            label=f"{shape} axis={axis}",
        )
        for name, arrays, bound, positions in rows
    ]


CASES = [
    case
    for cases in (
        _elementwise("relu", exact=True),
        _elementwise("leaky_relu"),
        _elementwise("leaky_relu", exact=True, negative_slope=0.25),
        *(_elementwise(name) for name in ("elu", "gelu", "silu", "sigmoid", "tanh", "softplus")),
        _elementwise("elu", alpha=0.5),
        _prelu((5, 37), 5),
        _prelu((5, 37), 1),
        _prelu((185,), 185),
        _softmax((185,), -1),
        _softmax((5, 37), 1),
        _softmax((5, 37), -2),
        _softmax((1, 3), -1),
    )
    for case in cases
]
