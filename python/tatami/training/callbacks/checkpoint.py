"""Writing checkpoints while training."""

from pathlib import Path

from ...nn import save_weights
from ..callback import Callback
from ..checkpoint import write_checkpoint
from .best import Best


class ModelCheckpoint(Callback):
    """Writes a checkpoint after every epoch, or every ``save_freq`` batches.

    ``path`` may hold fields: ``"run/{epoch:02d}-{val_loss:.3f}.safetensors"``, epochs from 1.
    ``save_best_only`` writes where ``monitor`` is better than before. A checkpoint is everything
    that the rest of the run depends on: ``fit(resume=path)`` continues it bit for bit and
    :func:`tatami.training.load_checkpoint` takes the weights from it. ``save_weights_only`` writes
    the weights alone, for :func:`tatami.nn.load_weights`. The file is replaced whole or not at all.
    """

    late = True  # after all other callbacks, whose states it saves

    def __init__(
        self,
        path,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
    ):
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f'ModelCheckpoint: save_freq must be "epoch" or a number of batches, '
                f"not {save_freq!r}"
            )
        self.path = str(path)
        self.best = Best("ModelCheckpoint", monitor, mode)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        if self.save_freq != "epoch":
            self.steps += 1
            if self.steps % self.save_freq == 0:
                self._save(self.run.epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _save(self, epoch, logs):
        if self.save_best_only and not self.best.improved(logs):
            return
        path = Path(self.path.format(epoch=epoch + 1, **logs))
        if self.save_weights_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_weights(self.model, path)
        else:
            write_checkpoint(path, self.run.state_dict())
        if self.verbose:
            print(f"ModelCheckpoint: wrote {path}")

    def state_dict(self):
        return {"best": self.best.value, "steps": self.steps}

    def load_state_dict(self, state):
        self.best.value = state["best"]
        self.steps = state["steps"]


class BackupAndRestore(ModelCheckpoint):
    """Makes a run survive being killed: the same script, started anew, goes on where it stood.

    Writes the file ``path`` after every epoch or every ``save_freq`` batches, continues from it if
    it is there when a run begins, and deletes it when the run is complete.
    """

    def __init__(self, path, save_freq="epoch", delete_checkpoint=True):
        super().__init__(path, save_freq=save_freq)
        self.delete_checkpoint = delete_checkpoint

    def on_train_begin(self, logs=None):
        if self.run.resume is None and Path(self.path).exists():
            self.run.resume = self.path

    def on_train_end(self, logs=None):
        if self.delete_checkpoint and self.run.complete:
            Path(self.path).unlink(missing_ok=True)
