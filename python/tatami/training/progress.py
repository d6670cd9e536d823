"""How far a training run is, in Keras' words."""

import numbers
import time

from .callback import Callback
from .line import StatusLine

BAR = 20  # characters


class Progress(Callback):
    """A line an epoch: steps, a bar, time, milliseconds a step, what was measured.

    On a terminal it is rewritten while the epoch runs, at most ten times a second; elsewhere, and
    with ``live=False``, it is written once, at the epoch's end. ``one_line=True`` lets all epochs
    share one line of a terminal, after a ``title``. ``images``, those of an epoch, has it say how
    many a second and what is left of the whole run instead of the times of the epoch and a step.
    """

    def __init__(
        self,
        title="",
        *,
        images=None,
        live=True,
        one_line=False,
        stream=None,
        now=time.perf_counter,
    ):
        self.title = title
        self.images = images
        self.one_line = one_line
        self.now = now
        self.line = StatusLine(stream, live, now)
        encoding = getattr(self.line.stream, "encoding", None) or "utf-8"
        self.done, self.left = "=-" if "━".encode(encoding, "replace") == b"?" else "━─"
        self.start = now()
        self.first = self.step = 0  # of this epoch's steps: where timing began, how many are done

    def on_epoch_begin(self, epoch, logs=None):
        self.start = self.now()
        self.first = self.step = self.run.batch

    def on_train_batch_end(self, batch, logs=None):
        self.step = batch + 1
        if self.line.due():
            self.line.show(self._text(self.run.epoch, logs))

    def on_epoch_end(self, epoch, logs=None):
        text = self._text(epoch, logs, over=True)
        if self.line.live and self.one_line and epoch + 1 < self.params["epochs"]:
            self.line.show(text)
        else:
            self.line.finish(text)

    def on_train_end(self, logs=None):
        self.line.break_off()

    def _text(self, epoch, logs, over=False):
        step, steps, epochs = self.step, self.params["steps"], self.params["epochs"]
        rest, pace = self._pace(epoch, over)
        place = f"Epoch {epoch + 1:{len(str(epochs))}}/{epochs}"
        count = f"{step:{len(str(steps))}}/{steps}" if steps else f"{step}"
        measured = shown(logs)
        if not self.line.live:
            words = [place, count, rest, pace, measured]
            return " - ".join(word for word in (self.title, *words) if word)
        tail = f"{rest} {pace}" + (measured and f" - {measured}")
        head = "  ".join(word for word in (self.title, place, count) if word)
        room = min(BAR, self.line.width - len(head) - len(tail) - 2)
        bar = f"{self._bar(step / steps, room)} " if steps and room > 4 else ""
        return f"{head} {bar}{tail}"

    def _pace(self, epoch, over):
        """Time of the epoch (or what is left of it) and of a step; or of the run, and the rate."""
        step, steps = self.step, self.params["steps"]
        elapsed = self.now() - self.start
        each = elapsed / max(step - self.first, 1)
        if self.images and steps:
            rest = each * (steps * (self.params["epochs"] - epoch) - step)
            return f"{clock(rest)} left", f"{self.images / steps / max(each, 1e-9):,.0f} images/s"
        rest = elapsed if over or steps is None else each * (steps - step)
        return clock(rest), f"{duration(each)}/step"

    def _bar(self, share, length):
        full = round(share * length)
        return self.done * full + self.left * (length - full)


def shown(logs):
    """``loss: 0.1234 - accuracy: 0.9750``, of everything that is a single number."""
    logs = logs or {}
    return " - ".join(
        f"{name}: {value:.4f}" if value == 0 or abs(value) > 1e-3 else f"{name}: {value:.4e}"
        for name, value in logs.items()
        if isinstance(value, numbers.Real)
    )


def clock(seconds):
    """``7s``, ``3:05`` or ``1:02:03``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}" if minutes else f"{seconds}s"


def duration(seconds):
    """``2s``, ``35ms``, ``4.1ms`` or ``870us``."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.{1 if seconds < 0.01 else 0}f}ms"
    return f"{seconds * 1e6:.0f}us"
