"""Dropout."""

from .. import kernels as K
from .. import random
from ..autograd import Op

_dropout = Op(K.dropout, lambda g, _y, _x, p, seed: _dropout_grad(g, _y[1], p=p))
_dropout_grad = Op(K.dropout_grad, lambda gg, _y, _g, mask, p: _dropout_grad(gg, mask, p=p))


def dropout(x, p=0.5, training=True, *, seed=None):
    """Zeros with probability ``p``, the others scaled by 1 / (1 - p); ``x`` when not training.

    ``seed`` fixes the choice; by default it is drawn from the generator that
    :func:`tatami.manual_seed` sets.
    """
    if not training or p == 0:
        return x
    return _dropout(x, p=p, seed=random.seed() if seed is None else seed)[0]
