"""Rows divided into those to train on and those to test with; labels as vectors."""

import numpy as np

from .. import random


def one_hot(labels, num_classes=None, dtype=np.float32):
    """Labels of any shape -> (..., num_classes), 1 at the label and 0 elsewhere.

    ``num_classes`` is one more than the largest label if it is left out.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"one_hot: labels must be integers, not {labels.dtype}")
    least, most = (labels.min(), labels.max()) if labels.size else (0, -1)
    if num_classes is None:
        num_classes = int(most) + 1
    if least < 0 or most >= num_classes:
        raise ValueError(
            f"one_hot: labels go from {least} to {most}, but there are {num_classes} classes"
        )
    return np.equal(labels[..., None], np.arange(num_classes)).astype(dtype)


def train_test_split(*arrays, test_size=0.25, shuffle=True, stratify=None, seed=None):
    """Each array cut in two: ``x_train, x_test, y_train, y_test = train_test_split(x, y)``.

    ``test_size`` is a share or a number of rows. With ``stratify``, the rows' classes, both parts
    have the classes in the same proportion. ``seed=None`` draws from the generator of
    ``tatami.manual_seed``.
    """
    rows = _rows("train_test_split", arrays)
    size = round(test_size * rows) if isinstance(test_size, (float, np.floating)) else test_size
    if not 0 < size < rows:
        raise ValueError(
            f"train_test_split: test_size={test_size} of {rows} rows leaves {rows - size} to "
            f"train on and {size} to test with"
        )
    order = _generator(seed).permutation(rows) if shuffle else np.arange(rows)
    if stratify is None:
        train, test = order[: rows - size], order[rows - size :]
    else:
        test = _by_class(_classes("train_test_split", stratify, rows), order, size)
        train = order[~np.isin(order, test)]
    return [part for a in arrays for part in (np.asarray(a)[train], np.asarray(a)[test])]


def _by_class(classes, order, size):
    """``size`` rows in which the classes have their share, the largest remainders rounded up."""
    counts = np.bincount(classes)
    shares = counts * (size / len(classes))
    taken = np.floor(shares).astype(int)
    for k in np.argsort(taken - shares, kind="stable")[: size - taken.sum()]:
        taken[k] += 1
    places = [order[classes[order] == k][:n] for k, n in enumerate(taken)]
    chosen = np.concatenate(places)
    return order[np.isin(order, chosen)]


class KFold:
    """Cuts rows into ``n_splits`` parts, each of which is the test set once."""

    def __init__(self, n_splits=5, shuffle=False, seed=None):
        if n_splits < 2:
            raise ValueError(f"{type(self).__name__}: n_splits is {n_splits}; it must be 2 or more")
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.seed = seed

    def split(self, x, y=None):
        """Yields (train, test), numbers of rows in rising order."""
        rows = len(x)
        if rows < self.n_splits:
            raise ValueError(f"{type(self).__name__}: {rows} rows in {self.n_splits} parts")
        part = self._parts(rows, y)
        for k in range(self.n_splits):
            yield np.flatnonzero(part != k), np.flatnonzero(part == k)

    def _parts(self, rows, y):
        """The part that each row is in: the first ones, the next ones, ..."""
        part = np.arange(rows) * self.n_splits // rows
        return _generator(self.seed).permutation(part) if self.shuffle else part


class StratifiedKFold(KFold):
    """:class:`KFold` whose parts have the classes of ``y`` in the same proportion."""

    def _parts(self, rows, y):
        if y is None:
            raise ValueError("StratifiedKFold: split needs y, the classes of the rows")
        classes = _classes("StratifiedKFold", y, rows)
        order = _generator(self.seed).permutation(rows) if self.shuffle else np.arange(rows)
        order = order[np.argsort(classes[order], kind="stable")]
        part = np.empty(rows, np.int64)
        part[order] = np.arange(rows) % self.n_splits  # class by class, dealt out like cards
        return part


def _generator(seed):
    return random.generator() if seed is None else np.random.default_rng(seed)


def _rows(function, arrays):
    lengths = {len(a) for a in arrays}
    if len(lengths) != 1:
        shapes = ", ".join(str(np.shape(a)) for a in arrays) or "none given"
        raise ValueError(f"{function}: arrays must have the same number of rows: {shapes}")
    return lengths.pop()


def _classes(function, y, rows):
    """The classes as numbers from 0."""
    y = np.asarray(y)
    if y.shape != (rows,):
        raise ValueError(f"{function}: classes have shape {y.shape} for {rows} rows")
    return np.unique(y, return_inverse=True)[1]
