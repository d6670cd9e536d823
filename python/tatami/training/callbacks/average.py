"""Averaged weights."""

from ... import optim
from ..callback import Callback


class EMA(Callback):
    """Follows the weights with an exponential moving average, with which the run ends.

    See :class:`tatami.optim.EMA`. Validation and checkpoints see the weights themselves until the
    run's end.
    """

    def __init__(self, decay=0.999):
        self.decay = decay

    def on_train_begin(self, logs=None):
        self.average = optim.EMA(self.model, self.decay)

    def on_train_batch_end(self, batch, logs=None):
        self.average.update()

    def on_train_end(self, logs=None):
        self.average.apply()

    def state_dict(self):
        return self.average.state_dict()

    def load_state_dict(self, state):
        self.average.load_state_dict(state)
