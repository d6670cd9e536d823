"""Metrics by name."""

import re
from functools import partial

from .classification import F1, Accuracy, ConfusionMatrix, Precision, Recall, TopKAccuracy
from .metric import MeanOf, Metric
from .ranking import AUC
from .regression import MAE, MSE, R2

_makers = {
    "acc": partial(Accuracy, name="acc"),
    "accuracy": Accuracy,
    "auc": AUC,
    "confusion_matrix": ConfusionMatrix,
    "f1": F1,
    "mae": MAE,
    "mse": MSE,
    "precision": Precision,
    "r2": R2,
    "recall": Recall,
    "top_k_accuracy": partial(TopKAccuracy, name="top_k_accuracy"),
    **{
        f"{kind.__name__.lower()}_{average}": partial(kind, average)
        for kind in (Precision, Recall, F1)
        for average in ("micro", "macro", "weighted")
    },
}


def names():
    """What :func:`get` knows, besides ``top_<k>_accuracy``."""
    return sorted(_makers)


def get(metric, threshold=0.5):
    """A metric object from its name, itself, its class, or a function (y_true, y_pred) -> number.

    ``threshold`` is for names of those that read class 1 off a single score.
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return _by_name(metric, threshold)
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if callable(metric):
        return MeanOf(metric)
    raise _unknown(metric)


def _by_name(name, threshold):
    if found := re.fullmatch(r"top_(\d+)_accuracy", name):
        return TopKAccuracy(int(found[1]))
    if name not in _makers:
        raise _unknown(name)
    made = _makers[name]()
    if hasattr(made, "threshold"):
        made.threshold = threshold
    return made


def _unknown(metric):
    return ValueError(
        f"metric {metric!r} is not known; give one of {', '.join(names())}, top_<k>_accuracy, "
        "a Metric, or a function (y_true, y_pred) -> number"
    )
