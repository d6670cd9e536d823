"""Smaller steps when nothing gets better."""

from ..callback import Callback
from .best import Best


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rates by ``factor`` after ``patience`` epochs without a better value.

    Then ``cooldown`` epochs do not count. No rate falls below ``min_lr``. Better is as in
    :class:`EarlyStopping`.
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        if not 0 < factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor must lie between 0 and 1, not be {factor}")
        self.best = Best("ReduceLROnPlateau", monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr

    def on_train_begin(self, logs=None):
        self.best.reset()
        self.wait = self.resting = 0

    def on_epoch_end(self, epoch, logs=None):
        if self.resting:
            self.resting -= 1
            self.wait = 0
        if self.best.improved(logs):
            self.wait = 0
        elif not self.resting:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce()
                self.wait, self.resting = 0, self.cooldown

    def _reduce(self):
        for group in self.optimizer.param_groups:
            group["lr"] = max(group["lr"] * self.factor, min(self.min_lr, group["lr"]))
            if self.verbose:
                print(f"ReduceLROnPlateau: the learning rate is now {group['lr']:g}")

    def state_dict(self):
        return {"best": self.best.value, "wait": self.wait, "resting": self.resting}

    def load_state_dict(self, state):
        self.best.value = state["best"]
        self.wait = state["wait"]
        self.resting = state["resting"]
