"""How well scores put the rows of class 1 before the others."""

import math

import numpy as np

from .metric import Metric


class AUC(Metric):
    """The area under the ROC curve: how often a row of class 1 scores above one of class 0.

    Ties count half (Mann & Whitney, 1947). Scores are (N,), (N, 1), or (N, classes): with two
    classes their difference, with more the mean over the classes, each against the rest. All
    scores are kept until the result is asked for, which is exact. One class alone gives NaN.
    """

    state = ("targets", "scores")

    def __init__(self, name="auc"):
        self.name = name
        super().__init__()

    def reset(self):
        self.targets, self.scores = [], []

    def update(self, y_true, y_pred):
        y_true, scores = np.asarray(y_true), np.asarray(y_pred)
        scores = scores.reshape(len(scores), math.prod(scores.shape[1:]))
        if y_true.shape == scores.shape and scores.shape[1] > 1:
            y_true = y_true.argmax(axis=1)
        if y_true.size != len(scores):
            raise ValueError(
                f"auc: y_true has shape {y_true.shape} but y_pred has shape {np.shape(y_pred)}"
            )
        self.targets.append(y_true.reshape(-1).astype(np.float64))
        self.scores.append(scores.astype(np.float64))

    def result(self):
        if not self.scores:
            return float("nan")
        targets, scores = np.concatenate(self.targets), np.concatenate(self.scores)
        classes = scores.shape[1]
        if classes == 1:
            return _area(targets > 0.5, scores[:, 0])
        if classes == 2:
            return _area(targets == 1, scores[:, 1] - scores[:, 0])
        return float(np.mean([_area(targets == c, scores[:, c]) for c in range(classes)]))


def _area(positive, scores):
    hits = int(positive.sum())
    others = len(positive) - hits
    if not hits or not others or np.isnan(scores).any():
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(count) - (count - 1) / 2  # equal scores share the middle of their places
    return float((ranks[place[positive]].sum() - hits * (hits + 1) / 2) / (hits * others))


def auc(y_true, y_pred):
    """The area under the ROC curve of scores (N,), (N, 1) or (N, classes); see :class:`AUC`.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return AUC().of(y_true, y_pred)
