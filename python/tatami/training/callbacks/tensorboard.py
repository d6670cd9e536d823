"""Curves and histograms for TensorBoard."""

import numbers
from pathlib import Path

from ..callback import Callback


class TensorBoard(Callback):
    """Writes what was measured to ``log_dir``/train and ``log_dir``/validation.

    ``update_freq``: "epoch", or also every so many batches. ``histogram_freq``: every so many
    epochs, histograms of all parameters. Needs tensorboardX: ``pip install "tatami[tensorboard]"``.
    """

    def __init__(self, log_dir="logs", histogram_freq=0, update_freq="epoch"):
        self.log_dir = Path(log_dir)
        self.histogram_freq = histogram_freq
        self.update_freq = update_freq

    def on_train_begin(self, logs=None):
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ImportError(
                'TensorBoard: tensorboardX is missing: pip install "tatami[tensorboard]"'
            ) from None
        self.steps = 0
        self._open = SummaryWriter
        self._writers = {}

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.update_freq != "epoch" and self.steps % self.update_freq == 0:
            self._write("train", "batch_", logs, self.steps)

    def on_epoch_end(self, epoch, logs=None):
        rates = {
            f"learning_rate_{k}" if k else "learning_rate": group["lr"]
            for k, group in enumerate(self.optimizer.param_groups)
        }
        measured = {k: v for k, v in logs.items() if not k.startswith("val_")}
        checked = {k[4:]: v for k, v in logs.items() if k.startswith("val_")}
        self._write("train", "epoch_", {**measured, **rates}, epoch)
        self._write("validation", "epoch_", checked, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, parameter in self.model.named_parameters():
                self._writer("train").add_histogram(name, parameter.data, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()

    def _writer(self, part):
        if part not in self._writers:
            self._writers[part] = self._open(str(self.log_dir / part))
        return self._writers[part]

    def _write(self, part, prefix, values, step):
        for name, value in values.items():
            if isinstance(value, numbers.Real):
                self._writer(part).add_scalar(prefix + name, value, step)

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state["steps"]
