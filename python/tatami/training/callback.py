"""What may listen to a training run."""


class Callback:
    """Called while :func:`tatami.training.fit` runs; ``means`` maps names to means so far."""

    def on_epoch_begin(self, epoch):
        """Epoch ``epoch``, counted from 1, begins."""

    def on_batch_end(self, epoch, images, means):
        """``images`` rows of the epoch have been used."""

    def on_epoch_end(self, epoch, means):
        """``means`` are the epoch's, with those of the validation data."""

    def on_train_end(self):
        """The run is over, or broken off."""
