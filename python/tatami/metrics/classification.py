"""Which class: accuracy, the confusion matrix and what is read off it."""

import numpy as np

from .decode import as_classes
from .metric import Metric

AVERAGES = ("binary", "micro", "macro", "weighted", None)


class Accuracy(Metric):
    """The share of rows whose class is right; one score a row means class 1 above ``threshold``."""

    state = ("right", "rows")

    def __init__(self, threshold=0.5, name="accuracy"):
        self.threshold = threshold
        self.name = name
        super().__init__()

    def reset(self):
        self.right = self.rows = 0

    def update(self, y_true, y_pred):
        y_true, y_pred, _ = as_classes("accuracy", y_true, y_pred, self.threshold)
        self.right += int(np.count_nonzero(y_true == y_pred))
        self.rows += y_true.size

    def result(self):
        return self.right / self.rows if self.rows else float("nan")


class TopKAccuracy(Metric):
    """The share of rows whose class is among the ``k`` highest scores (N, classes).

    Of equal scores the higher index comes first, as in scikit-learn.
    """

    state = ("right", "rows")

    def __init__(self, k=5, name=None):
        self.k = k
        self.name = name or f"top_{k}_accuracy"
        super().__init__()

    def update(self, y_true, y_pred):
        scores = np.asarray(y_pred)
        if scores.ndim != 2 or scores.dtype.kind != "f":
            raise ValueError(
                f"top_k_accuracy: y_pred must be scores (N, classes), got shape {scores.shape} "
                f"and dtype {scores.dtype}"
            )
        y_true = np.asarray(y_true)
        y_true = y_true.argmax(axis=1) if y_true.shape == scores.shape else y_true.reshape(-1)
        if len(y_true) != len(scores):
            raise ValueError(
                f"top_k_accuracy: {len(y_true)} classes in y_true but y_pred has shape "
                f"{scores.shape}"
            )
        y_true, scores = y_true[y_true >= 0], scores[y_true >= 0]  # others are left out
        if y_true.size and y_true.max() >= scores.shape[1]:
            raise ValueError(
                f"top_k_accuracy: y_true holds {y_true.max()} but y_pred has {scores.shape[1]} "
                "classes"
            )
        own = np.take_along_axis(scores, y_true[:, None].astype(np.int64), axis=1)
        higher_index = np.arange(scores.shape[1]) > y_true[:, None]
        before = (scores > own) | ((scores == own) & higher_index)
        self.right += int(np.count_nonzero((before.sum(axis=1) < self.k) & ~np.isnan(own[:, 0])))
        self.rows += len(y_true)

    reset = Accuracy.reset
    result = Accuracy.result


class ConfusionMatrix(Metric):
    """Counts (classes, classes): row by the true class, column by the predicted one."""

    state = ("counts",)

    def __init__(self, num_classes=0, threshold=0.5, name="confusion_matrix"):
        self.num_classes = num_classes
        self.threshold = threshold
        self.name = name
        super().__init__()

    def reset(self):
        self.counts = np.zeros((0, 0), np.int64)

    def update(self, y_true, y_pred):
        y_true, y_pred, count = as_classes(self.name, y_true, y_pred, self.threshold)
        if y_true.size and y_pred.min() < 0:
            raise ValueError(f"{self.name}: classes count from 0, but y_pred has {y_pred.min()}")
        largest = max(y_true.max(), y_pred.max()) + 1 if y_true.size else 0
        n = int(max(len(self.counts), self.num_classes, count, largest))
        counts = np.bincount(y_true * n + y_pred, minlength=n * n).reshape(n, n)
        before = len(self.counts)
        counts[:before, :before] += self.counts
        self.counts = counts

    def result(self):
        return self.counts


class _FromCounts(ConfusionMatrix):
    """A ratio of counts by class, and its average.

    ``average``: "binary" for class 1 alone; "micro" counts over all classes; "macro" the mean over
    the classes that occur, "weighted" by how often they do; None gives one number a class.
    A ratio without any count is 0.
    """

    def __init__(self, average="binary", threshold=0.5, name=None):
        if average not in AVERAGES:
            raise ValueError(f"average must be one of {AVERAGES}, not {average!r}")
        self.average = average
        own = type(self).__name__.lower()
        suffix = "" if average in ("binary", None) else f"_{average}"
        super().__init__(threshold=threshold, name=name or own + suffix)

    @staticmethod
    def ratio(hits, predicted, support):
        """Numerator and denominator."""
        raise NotImplementedError

    def result(self):
        hits, predicted, support = (
            self.counts.diagonal(),
            self.counts.sum(axis=0),
            self.counts.sum(axis=1),
        )
        if self.average == "micro":
            return float(_divide(*self.ratio(hits.sum(), predicted.sum(), support.sum())))
        by_class = _divide(*self.ratio(hits, predicted, support))
        if self.average is None:
            return by_class
        if self.average == "binary":
            if len(by_class) > 2:
                raise ValueError(
                    f"{self.name}: {len(by_class)} classes need an average: "
                    '"micro", "macro", "weighted" or None'
                )
            return float(by_class[1]) if len(by_class) == 2 else 0.0
        weights = support if self.average == "weighted" else (predicted + support > 0)
        return float(_divide((by_class * weights).sum(), weights.sum()))


def _divide(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b)
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


class Precision(_FromCounts):
    """Of the rows given a class, the share that has it."""

    @staticmethod
    def ratio(hits, predicted, support):
        return hits, predicted


class Recall(_FromCounts):
    """Of the rows that have a class, the share that was given it."""

    @staticmethod
    def ratio(hits, predicted, support):
        return hits, support


class F1(_FromCounts):
    """The harmonic mean of precision and recall."""

    @staticmethod
    def ratio(hits, predicted, support):
        return 2 * hits, predicted + support


def accuracy(y_true, y_pred, *, threshold=0.5):
    """The share of rows whose class is right.

    ``y_pred`` holds classes, scores (N, classes), or one score a row (class 1 above
    ``threshold``); ``y_true`` class indices or one-hot rows.

    >>> accuracy([0, 1, 2], [[2.0, 1, 0], [0, 1, 0], [0, 3, 1]])
    0.6666666666666666
    """
    return Accuracy(threshold).of(y_true, y_pred)


def top_k_accuracy(y_true, y_pred, *, k=5):
    """The share of rows whose class is among the ``k`` highest of the scores (N, classes)."""
    return TopKAccuracy(k).of(y_true, y_pred)


def confusion_matrix(y_true, y_pred, *, num_classes=0, threshold=0.5):
    """Counts (classes, classes): row by the true class, column by the predicted one."""
    return ConfusionMatrix(num_classes, threshold).of(y_true, y_pred)


def precision(y_true, y_pred, *, average="binary", threshold=0.5):
    """Of the rows given a class, the share that has it; ``average`` as in :class:`F1`."""
    return Precision(average, threshold).of(y_true, y_pred)


def recall(y_true, y_pred, *, average="binary", threshold=0.5):
    """Of the rows that have a class, the share that was given it; ``average`` as in :class:`F1`."""
    return Recall(average, threshold).of(y_true, y_pred)


def f1(y_true, y_pred, *, average="binary", threshold=0.5):
    """The harmonic mean of precision and recall.

    ``average``: "binary" for class 1 alone; "micro" counts over all classes; "macro" the mean over
    the classes that occur, "weighted" by how often they do; None gives one number a class.
    """
    return F1(average, threshold).of(y_true, y_pred)
