"""How far numbers are off."""

import numpy as np

from .decode import as_numbers
from .metric import Mean, Metric


class MSE(Mean):
    """The mean squared error over all elements."""

    def __init__(self, name="mse"):
        super().__init__(name)

    def update(self, y_true, y_pred):
        y_true, y_pred = as_numbers(self.name, y_true, y_pred)
        self.total += float(np.square(y_true - y_pred).sum())
        self.weight += y_true.size


class MAE(Mean):
    """The mean absolute error over all elements."""

    def __init__(self, name="mae"):
        super().__init__(name)

    def update(self, y_true, y_pred):
        y_true, y_pred = as_numbers(self.name, y_true, y_pred)
        self.total += float(np.abs(y_true - y_pred).sum())
        self.weight += y_true.size


class R2(Metric):
    """1 - squared errors over squared distances from the mean; the mean over the columns of y.

    A column that never changes counts 1 where it was met exactly, else 0, as in scikit-learn.
    """

    state = ("rows", "mean", "spread", "error")

    def __init__(self, name="r2"):
        self.name = name
        super().__init__()

    def reset(self):
        self.rows = 0
        self.mean = self.spread = self.error = 0.0

    def update(self, y_true, y_pred):
        y_true, y_pred = as_numbers(self.name, y_true, y_pred)
        if not len(y_true):
            return
        y_true, y_pred = (y.reshape(len(y), -1) for y in (y_true, y_pred))
        rows, mean = len(y_true), y_true.mean(axis=0)
        total, step = self.rows + rows, mean - self.mean
        # Chan et al., 1979: means and spreads of two parts make those of the whole.
        self.spread += np.square(y_true - mean).sum(axis=0) + step**2 * (self.rows * rows / total)
        self.mean += step * (rows / total)
        self.rows = total
        self.error += np.square(y_true - y_pred).sum(axis=0)

    def result(self):
        if self.rows < 2:
            return float("nan")
        constant = self.spread == 0
        shares = 1 - self.error / np.where(constant, 1, self.spread)
        return float(np.mean(np.where(constant, self.error == 0, shares)))


def mse(y_true, y_pred):
    """The mean squared error over all elements."""
    return MSE().of(y_true, y_pred)


def mae(y_true, y_pred):
    """The mean absolute error over all elements."""
    return MAE().of(y_true, y_pred)


def r2(y_true, y_pred):
    """The coefficient of determination; the mean over the columns of y."""
    return R2().of(y_true, y_pred)
