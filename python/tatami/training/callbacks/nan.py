"""Stopping when the loss is no number any more."""

import math

from ..callback import Callback


class TerminateOnNaN(Callback):
    """Ends the run after the batch whose loss is NaN or infinite."""

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            print(f"TerminateOnNaN: the loss of batch {batch} is {logs['loss']}")
            self.model.stop_training = True
