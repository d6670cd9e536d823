"""Derivatives checked against differences of the function itself."""

import numpy as np

from .backward import grad
from .tensor import Tensor


def check_grads(f, xs, order=1, *, eps=1e-6, atol=1e-5, rtol=1e-3, seed=0):
    """Compare the derivatives of ``f(*xs)`` with central differences, up to ``order``.

    ``f`` takes and returns tensors (one or a tuple); ``xs`` are float64 arrays. Along one random
    direction of each argument, ``<v, f(x + eps d) - f(x - eps d)> / 2 eps`` must equal
    ``<gradient, d>`` within ``atol + rtol * |difference|``. Order n + 1 checks the gradient as a
    function in its own right. Raises ``AssertionError`` that names order and argument.

    >>> check_grads(lambda x: x * x, [numpy.array([1.0, 2.0])], order=2)
    """
    xs = [np.asarray(x) for x in xs]
    for k, x in enumerate(xs):
        if x.dtype != np.float64:
            raise TypeError(f"check_grads: argument {k} is {x.dtype}; differences need float64")
    rng = np.random.default_rng(seed)
    for level in range(1, order + 1):
        weights = [_normal(rng, y) for y in _call(f, xs)]
        directions = [_normal(rng, x) for x in xs]
        expected = [_difference(f, xs, k, d, weights, eps) for k, d in enumerate(directions)]
        # The last order by the plain backward pass; below it the differentiable one as well.
        for create_graph in (False, True) if level < order else (False,):
            found = _call(_gradient(f, len(xs), create_graph), [*xs, *weights])
            for k, (d, g) in enumerate(zip(directions, found, strict=True)):
                got = float(np.sum(d * g.data))
                if not abs(got - expected[k]) <= atol + rtol * abs(expected[k]):
                    raise AssertionError(
                        f"check_grads: order {level}, argument {k} of shape {xs[k].shape}: "
                        f"the gradient says {got:.9g}, differences say {expected[k]:.9g}"
                    )
        f, xs = _gradient(f, len(xs), True), [*xs, *weights]


def _normal(rng, like):
    return np.asarray(rng.standard_normal(like.shape))


def _call(f, arrays):
    """The outputs as a tuple."""
    value = f(*(Tensor(a) for a in arrays))
    return value if isinstance(value, tuple) else (value,)


def _difference(f, xs, k, direction, weights, eps):
    """Derivative of ``<weights, f>`` along ``direction`` in argument ``k``."""
    moved = ([*xs[:k], xs[k] + e * direction, *xs[k + 1 :]] for e in (eps, -eps))
    above, below = (_call(f, arrays) for arrays in moved)
    terms = zip(weights, above, below, strict=True)
    return sum(float(np.sum(w * (a.data - b.data))) for w, a, b in terms) / (2 * eps)


def _gradient(f, count, create_graph):
    """The function (xs, weights) -> gradients of ``<weights, f(xs)>`` by the ``count`` xs."""

    def gradients(*args):
        xs = [x if x.requires_grad else x.requires_grad_() for x in args[:count]]
        value = f(*xs)
        ys = value if isinstance(value, tuple) else (value,)
        pairs = [(y, w) for y, w in zip(ys, args[count:], strict=True) if y.requires_grad]
        found = [None] * count
        if pairs:
            ys, weights = zip(*pairs, strict=True)
            found = grad(ys, xs, weights, create_graph=create_graph, allow_unused=True)
        zeros = (Tensor(np.zeros_like(x.data)) for x in xs)
        return tuple(z if g is None else g for g, z in zip(found, zeros, strict=True))

    return gradients
