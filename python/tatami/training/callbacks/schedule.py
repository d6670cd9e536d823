"""Learning rates that change while training."""

from ..callback import Callback


class LearningRateScheduler(Callback):
    """Sets the learning rates by a function, or steps a schedule of ``tatami.optim``.

    A function ``schedule(epoch, lr) -> lr`` is asked before every epoch (from 0), for every
    parameter group. A schedule object makes its ``step()`` after every epoch, or with
    ``per="batch"`` after every batch.
    """

    def __init__(self, schedule, verbose=0, per="epoch"):
        if per not in ("epoch", "batch"):
            raise ValueError(f'LearningRateScheduler: per must be "epoch" or "batch", not {per!r}')
        self.stepped = hasattr(schedule, "step")
        if per == "batch" and not self.stepped:
            raise ValueError('LearningRateScheduler: per="batch" needs a schedule object')
        self.schedule = schedule
        self.verbose = verbose
        self.per = per

    def on_epoch_begin(self, epoch, logs=None):
        if not self.stepped and not self.run.batch:
            for group in self.optimizer.param_groups:
                group["lr"] = float(self.schedule(epoch, group["lr"]))
        if self.verbose:
            rates = ", ".join(f"{group['lr']:g}" for group in self.optimizer.param_groups)
            print(f"LearningRateScheduler: epoch {epoch + 1}, learning rate {rates}")

    def on_train_batch_end(self, batch, logs=None):
        if self.per == "batch":
            self.schedule.step()

    def on_epoch_end(self, epoch, logs=None):
        if self.stepped and self.per == "epoch":
            self.schedule.step()

    def state_dict(self):
        return self.schedule.state_dict() if self.stepped else {}

    def load_state_dict(self, state):
        if self.stepped:
            self.schedule.load_state_dict(state)
