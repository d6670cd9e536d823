"""The checkpoint of a run that may be stopped at any time."""

import time

from ..nn import to_config
from ..training import Callback, write_checkpoint

INTERVAL = 5.0  # seconds between two checkpoints


class Keep(Callback):
    """Writes the training state, the settings and the architecture, every few seconds."""

    late = True  # after all other callbacks, whose states it saves

    def __init__(self, path, settings):
        self.path = path
        self.settings = settings
        self.written = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self.written > INTERVAL:
            self._write()

    def on_train_end(self, logs=None):
        if not self.run.in_step:
            self._write()

    def _write(self):
        about = {"settings": self.settings, "architecture": to_config(self.model)}
        write_checkpoint(self.path, {**self.run.state_dict(), **about})
        self.written = time.monotonic()
