"""The best value of a measured number so far."""

import math


class Best:
    """Follows ``logs[monitor]``; better is lower or, with mode "max", higher.

    Mode "auto" takes "max" for scores (accuracy, AUC, F1, precision, recall, r2) and "min" for all
    else, which are losses and errors. A value must be better by more than ``min_delta``.
    """

    scores = ("acc", "auc", "f1", "precision", "recall", "r2")

    def __init__(self, owner, monitor, mode="auto", min_delta=0.0, first=None):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'{owner}: mode must be "auto", "min" or "max", not {mode!r}')
        if mode == "auto":
            mode = "max" if any(s in monitor for s in self.scores) else "min"
        self.owner = owner
        self.monitor = monitor
        self.sign = 1 if mode == "max" else -1
        self.min_delta = abs(min_delta)
        self.first = first
        self.value = first  # None before any

    def reset(self):
        self.value = self.first

    def current(self, logs):
        """The monitored number."""
        if self.monitor not in logs:
            raise ValueError(
                f"{self.owner}: there is no {self.monitor!r} to monitor, only "
                f"{', '.join(logs)}"
                + ("; fit has no validation data" if self.monitor.startswith("val_") else "")
            )
        return float(logs[self.monitor])

    def improved(self, logs):
        """True, and a new best value, where the number is better than all before."""
        value = self.current(logs)
        if math.isnan(value):
            return False
        if self.value is None or self.sign * (value - self.value) > self.min_delta:
            self.value = value
            return True
        return False
