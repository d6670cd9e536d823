"""Dropout with counter-based random numbers."""

from .. import _core

__all__ = ["dropout", "dropout_grad"]


def dropout(x, p, *, seed):
    """``x * mask / (1 - p)`` and the bool ``mask``, which holds with probability ``1 - p``.

    ``seed`` is an int (64 bits of it count). The mask depends on it and on the elements' positions
    alone: the same for any number of threads and on every machine. ``p = 1`` gives zeros.

    The bits are those of Philox4x32-10 (Salmon et al., SC'11): element i is kept where word i % 4
    of counter i // 4 is at least ``p * 2**32``.

    >>> y, mask = dropout(numpy.ones(4), 0.0, seed=1)
    >>> mask
    array([ True,  True,  True,  True])
    """
    return _core.dropout(x, p, seed)


def dropout_grad(grad_y, mask, p):
    """Gradient of :func:`dropout`: ``grad_y * mask / (1 - p)``, with the mask of its call."""
    return _core.dropout_grad(grad_y, mask, p)
