"""Two ways to judge a gradient without a second implementation of it."""

import numpy as np

from sources import Source
from support import cast, tupled


def _inner(a, b):
    return sum(float(np.sum(np.asarray(p) * np.asarray(q))) for p, q in zip(a, b, strict=True))


def _grads(rule, arrays, K, source):
    outputs = tupled(rule.forward(K, *arrays))
    weights = tuple(source(*np.shape(y)) for y in outputs)
    return weights, tupled(rule.backward(K, weights, *arrays))


def check_differences(rule, K, seed=0, step=1e-6, atol=1e-5, rtol=1e-3):
    """Central differences in float64 along a random direction of every argument."""
    source = Source(seed)
    arrays = rule.arrays(source)
    weights, grads = _grads(rule, arrays, K, source)
    for position, grad in enumerate(grads):
        x = arrays[position]
        assert grad.shape == x.shape, f"{rule.name}: gradient {position} has shape {grad.shape}"
        direction = source(*x.shape)
        sides = []
        for sign in (step, -step):
            moved = [*arrays[:position], x + sign * direction, *arrays[position + 1 :]]
            sides.append(_inner(weights, tupled(rule.forward(K, *moved))))
        expected = (sides[0] - sides[1]) / (2 * step)
        found = _inner([grad], [direction])
        assert np.isclose(found, expected, rtol=rtol, atol=atol), (
            f"{rule.name}: gradient {position} along a direction is {found}, "
            f"differences say {expected}"
        )


def check_adjoint(rule, K, dtype=np.float64, seed=0):
    """<grad_y, A x> == <A^T grad_y, x>, on whole numbers to the last bit where they stay whole."""
    source = Source(seed, whole=True)
    arrays = cast(rule.arrays(source), dtype)
    outputs = tupled(rule.forward(K, *arrays))
    weights = tuple(source(*y.shape).astype(dtype) for y in outputs)
    grads = tupled(rule.backward(K, weights, *arrays))
    ahead = _inner(cast(weights, np.float64), outputs)
    for position in rule.linear:
        back = _inner(cast([grads[position]], np.float64), [arrays[position]])
        same = ahead == back if rule.exact else np.isclose(ahead, back, rtol=1e-5)
        assert same, f"{rule.name}: argument {position}: {ahead} != {back}"
