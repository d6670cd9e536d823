"""The checkpoint of a run that may be stopped at any time."""

import time

from ..nn import to_config
from ..training.callbacks import ModelCheckpoint
from ..training.checkpoint import write_checkpoint

INTERVAL = 5.0  # seconds between two checkpoints


class Keep(ModelCheckpoint):
    """Writes the training state, the settings and the architecture, every few seconds."""

    def __init__(self, path, settings):
        super().__init__(path)
        self.settings = settings
        self.written = time.monotonic()
        self.between_steps = False

    def on_train_batch_begin(self, batch, logs=None):
        self.between_steps = False

    def on_train_batch_end(self, batch, logs=None):
        self.between_steps = True

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self.written > INTERVAL:
            self._write()

    def on_train_end(self, logs=None):
        if self.between_steps:  # not after an error in the middle of one
            self._write()

    def _write(self):
        state = self.run.state_dict()
        about = {"settings": self.settings, "architecture": to_config(self.model)}
        write_checkpoint(self.path, {**state, **about})
        self.written = time.monotonic()
