"""Epochs as rows of a file."""

import csv
import numbers
from pathlib import Path

from ..callback import Callback


class CSVLogger(Callback):
    """Writes a row after every epoch: its number, from 0, and what was measured.

    ``append`` goes on after what the file holds. A resumed run keeps the rows of the epochs before.
    """

    def __init__(self, filename, separator=",", append=False):
        self.path = Path(filename)
        self.separator = separator
        self.append = append

    def on_train_begin(self, logs=None):
        self.names = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.before = self._rows()
        if self.append and self.before:
            self.names = self.before[0]
        elif not self.append:
            self._write(self.path, [], "w")

    def on_epoch_end(self, epoch, logs=None):
        numbers_ = {k: v for k, v in logs.items() if isinstance(v, numbers.Real)}
        rows = [[epoch, *(numbers_.get(name, "") for name in (self.names or ["", *numbers_])[1:])]]
        if self.names is None:
            self.names = ["epoch", *numbers_]
            rows.insert(0, self.names)
        self._write(self.path, rows, "a")

    def _rows(self):
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.reader(file, delimiter=self.separator))

    def _write(self, path, rows, mode):
        with path.open(mode, newline="") as file:
            csv.writer(file, delimiter=self.separator).writerows(rows)

    def state_dict(self):
        return {"names": self.names}

    def load_state_dict(self, state):
        """Rows of epochs that will be run again go."""
        self.names = state["names"]
        header, *rows = self.before or [self.names]
        if header:
            rows = [row for row in rows if int(row[0]) < self.run.epoch]
            self._write(self.path, [header, *rows], "w")
