"""Stopping when nothing gets better."""

from ..callback import Callback
from .best import Best


class EarlyStopping(Callback):
    """Ends the run after ``patience`` epochs without a better ``monitor``.

    Better is lower or higher (``mode`` "min", "max"; "auto" goes by the name) by more than
    ``min_delta``, and at least ``baseline`` if given; epochs before ``start_from_epoch`` do not
    count. ``restore_best_weights`` leaves the model with the weights of the best epoch, however
    the run ends. ``stopped_epoch`` and ``best_epoch`` tell afterwards.
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        self.best = Best("EarlyStopping", monitor, mode, min_delta, baseline)
        self.patience = patience
        self.verbose = verbose
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs=None):
        self.best.reset()
        self.wait = 0
        self.best_epoch = self.stopped_epoch = self.weights = None

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.start_from_epoch:
            return
        if self.best.improved(logs):
            self.wait = 0
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.weights = self.model.state_dict()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.weights is not None:
            self.model.load_state_dict(self.weights)
        if self.verbose and self.stopped_epoch is not None:
            print(f"EarlyStopping: stopped after epoch {self.stopped_epoch + 1}")

    def state_dict(self):
        return {
            "best": self.best.value,
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "weights": self.weights,
        }

    def load_state_dict(self, state):
        self.best.value = state["best"]
        self.best_epoch = state["best_epoch"]
        self.wait = state["wait"]
        self.weights = state["weights"]
