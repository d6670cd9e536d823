"""How far a training run is: one line of plain text, rewritten in place on a terminal."""

import shutil
import sys
import time

from .callback import Callback


def clock(seconds):
    """``7 s``, ``3:05`` or ``1:02:03``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}" if minutes else f"{seconds} s"


class Progress(Callback):
    """A line an epoch: what was measured, images a second, time left.

    On a terminal it is rewritten while the epoch runs, at most ten times a second; elsewhere it
    is written once, at the epoch's end. ``one_line=True`` lets all epochs share one line of a
    terminal.
    """

    interval = 0.1  # seconds between two versions of the line

    def __init__(
        self, epochs, images, title="", *, one_line=False, stream=None, now=time.perf_counter
    ):
        self.epochs = epochs
        self.images = images  # of one epoch
        self.title = title
        self.one_line = one_line
        self.stream = stream or sys.stdout
        self.now = now
        self.terminal = self.stream.isatty()
        self.start = self.epoch_start = now()
        self.written = -self.interval
        self.length = 0  # of the unfinished line

    def on_epoch_begin(self, epoch):
        self.epoch_start = self.now()
        if epoch == 1:
            self.start = self.epoch_start

    def on_batch_end(self, epoch, images, means):
        if self.terminal and self.now() - self.written >= self.interval:
            self._write(self._text(epoch, images, means), "")

    def on_epoch_end(self, epoch, means):
        if self.terminal and self.one_line and epoch < self.epochs:
            return self.on_batch_end(epoch, self.images, means)
        self._write(self._text(epoch, self.images, means), "\n")

    def on_train_end(self):
        if self.length:  # broken off in mid-line
            self.stream.write("\n")
            self.length = 0

    def _text(self, epoch, images, means):
        now = self.now()
        rate = images / max(now - self.epoch_start, 1e-9)
        share = (epoch - 1 + images / max(self.images, 1)) / self.epochs
        elapsed = now - self.start
        time_left = clock(elapsed) if share == 1 else f"{clock(elapsed / share - elapsed)} left"
        parts = [
            self.title,
            f"epoch {epoch:{len(str(self.epochs))}}/{self.epochs}",
            *(f"{name} {_value(name, value)}" for name, value in means.items()),
            f"{rate:6,.0f} images/s",
            time_left,
        ]
        return "  ".join(part for part in parts if part)

    def _write(self, text, ending):
        if self.terminal:
            text = text[: shutil.get_terminal_size().columns - 1]
            text = "\r" + text.ljust(self.length)
        self.stream.write(text + ending)
        self.stream.flush()
        self.length = 0 if ending else len(text) - 1
        self.written = self.now()


def _value(name, value):
    return f"{value:7.2%}" if name.endswith("accuracy") else f"{value:.4f}"
