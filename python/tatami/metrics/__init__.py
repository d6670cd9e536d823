"""How well predictions fit: functions of whole arrays, and objects that gather batches.

``accuracy(y_true, y_pred)`` and ``Accuracy().update(y_true, y_pred)`` compute the same; the
objects, or their names, are what ``compile(metrics=[...])`` takes.
"""

from .classification import (
    F1,
    Accuracy,
    ConfusionMatrix,
    Precision,
    Recall,
    TopKAccuracy,
    accuracy,
    confusion_matrix,
    f1,
    precision,
    recall,
    top_k_accuracy,
)
from .generative import classifier_score, elbo, frechet_distance, precision_recall, psnr
from .metric import Mean, MeanOf, Metric
from .names import get, names
from .ranking import AUC, auc
from .regression import MAE, MSE, R2, mae, mse, r2

__all__ = [
    "AUC",
    "F1",
    "MAE",
    "MSE",
    "R2",
    "Accuracy",
    "ConfusionMatrix",
    "Mean",
    "MeanOf",
    "Metric",
    "Precision",
    "Recall",
    "TopKAccuracy",
    "accuracy",
    "auc",
    "classifier_score",
    "confusion_matrix",
    "elbo",
    "f1",
    "frechet_distance",
    "get",
    "mae",
    "mse",
    "names",
    "precision",
    "precision_recall",
    "psnr",
    "r2",
    "recall",
    "top_k_accuracy",
]
