"""Targets and predictions as they come, made comparable."""

import numpy as np

_INTEGERS = "iub"


def as_classes(name, y_true, y_pred, threshold=0.5):
    """Class indices of both as flat int64 arrays, and how many classes the predictions know.

    Predictions are classes already (integers, booleans), scores of all classes on axis 1, or one
    score a row, which means class 1 above ``threshold``. Targets are class indices, or one-hot
    rows where predictions are scores. Negative targets, such as the ``ignore_index`` of a loss,
    are left out.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    count = 0
    if y_pred.dtype.kind in _INTEGERS:
        pass
    elif y_pred.ndim > 1 and y_pred.shape[1] > 1:
        count = y_pred.shape[1]
        if y_true.shape == y_pred.shape:
            y_true = y_true.argmax(axis=1)
        y_pred = y_pred.argmax(axis=1)
    else:
        count = 2
        y_pred, y_true = y_pred > threshold, y_true > 0.5
    if without_ones(y_true.shape) != without_ones(y_pred.shape):
        raise ValueError(
            f"{name}: y_true has shape {y_true.shape} but y_pred means {y_pred.size} classes "
            f"of shape {y_pred.shape}; give an index for each, or scores with the classes on axis 1"
        )
    y_true, y_pred = (y.reshape(-1).astype(np.int64, copy=False) for y in (y_true, y_pred))
    counted = y_true >= 0
    if not counted.all():
        y_true, y_pred = y_true[counted], y_pred[counted]
    return y_true, y_pred, count


def as_numbers(name, y_true, y_pred):
    """Both as float64 of one shape; axes of length 1 may be missing from either."""
    y_true, y_pred = (np.asarray(y, dtype=np.float64) for y in (y_true, y_pred))
    if y_true.shape != y_pred.shape:
        if without_ones(y_true.shape) != without_ones(y_pred.shape):
            raise ValueError(
                f"{name}: y_true has shape {y_true.shape} but y_pred has shape {y_pred.shape}"
            )
        y_true = y_true.reshape(y_pred.shape)
    return y_true, y_pred


def without_ones(shape):
    """The sizes that matter: the first, and all others but ones."""
    return (*shape[:1], *(n for n in shape[1:] if n != 1))
