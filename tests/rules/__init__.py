"""Every derivative that the raw API offers, said once, for the library and for the reference.

A rule's `forward(K, *arrays)` gives one output or a tuple. Its `backward(K, grads, *arrays)` gives
the gradients of the first arrays, in order; the remaining arrays (indices, running statistics) have
none. K is tatami.kernels or the reference.
"""

from rules import activation, conv, grid_sample, loss, norm, pool, recurrent
from rules.rule import Rule

__all__ = ["RULES", "Rule"]

RULES = [
    *activation.RULES,
    *conv.RULES,
    *grid_sample.RULES,
    *loss.RULES,
    *norm.RULES,
    *pool.RULES,
    *recurrent.RULES,
]
