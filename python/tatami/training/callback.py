"""What may listen to a training run: Keras' events."""


class Callback:
    """Called while :func:`tatami.training.fit` runs; epochs and batches count from 0.

    ``logs`` maps names to numbers: after a batch the means so far, after an epoch those of the
    epoch and the validation data. ``self.model``, ``self.optimizer`` and ``self.params`` are
    there from the beginning; ``self.model.stop_training = True`` ends the run after the batch.
    """

    run = None  # of the fit that it listens to
    late = False  # late ones hear every event after all others

    def on_train_begin(self, logs=None):
        """The run begins."""

    def on_train_end(self, logs=None):
        """The run is over, or broken off by an error."""

    def on_epoch_begin(self, epoch, logs=None):
        """An epoch begins."""

    def on_epoch_end(self, epoch, logs=None):
        """An epoch is over, validation included."""

    def on_train_batch_begin(self, batch, logs=None):
        """A step begins."""

    def on_train_batch_end(self, batch, logs=None):
        """A step is done."""

    def state_dict(self):
        """What a checkpoint keeps of this callback: numbers, strings and arrays."""
        return {}

    def load_state_dict(self, state):
        """Goes on from what :meth:`state_dict` gave; called after ``on_train_begin``."""

    @property
    def model(self):
        return self.run.model

    @property
    def optimizer(self):
        return self.run.compiled.optimizer

    @property
    def params(self):
        """``epochs``, and ``steps`` of an epoch, None where unknown."""
        return self.run.params


EVENTS = [name for name in vars(Callback) if name.startswith("on_")]


class Listeners:
    """The callbacks of a run. An event reaches only those that do something about it."""

    def __init__(self, callbacks, run):
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"fit: callbacks must be Callback objects, not {callback!r}")
            callback.run = run
        self.callbacks = callbacks
        self._calls = {event: [*self._hearing(event)] for event in EVENTS}

    def _hearing(self, event):
        for callback in sorted(self.callbacks, key=lambda c: c.late):
            own = event in vars(callback)
            if own or getattr(type(callback), event) is not getattr(Callback, event):
                yield getattr(callback, event)

    def tell(self, event, *what):
        for call in self._calls[event]:
            call(*what)
