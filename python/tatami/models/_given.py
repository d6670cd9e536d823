"""What models are given, checked once: shapes of rows, labels of rows."""

import numpy as np

from ..autograd.tensor import array_of


def need(model, x, *shape, name="x"):
    """Refuses x of another shape than (N, *shape); words in it stand for any length."""
    fits = len(x.shape) == 1 + len(shape) and all(
        isinstance(want, str) or n == want for n, want in zip(x.shape[1:], shape)
    )
    if not fits:
        wanted = ", ".join(map(str, shape))
        raise ValueError(
            f"{type(model).__name__}: {name} must have shape (N, {wanted}), got {tuple(x.shape)}"
        )


def need_multiples(model, x, multiple):
    """Refuses images (N, C, H, W) of other edges than multiples of that."""
    if any(n % multiple for n in x.shape[2:]):
        raise ValueError(
            f"{type(model).__name__}: height and width must be multiples of {multiple}, got shape "
            f"{x.shape}; crop or resize x, or choose fewer halvings"
        )


def labels_of(model, labels, count):
    """Integer labels (count,) of one class for all, or of one for each row."""
    labels = np.asarray(array_of(labels))
    name = type(model).__name__
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: labels must be integers, not {labels.dtype}")
    if labels.shape not in ((), (count,)):
        raise ValueError(
            f"{name}: labels must be one class or ({count},), one for each row, got shape "
            f"{labels.shape}"
        )
    return np.broadcast_to(labels, count)
