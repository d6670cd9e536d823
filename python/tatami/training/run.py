"""One run of fit: its parts, its steps and where it stands."""

from .. import random
from .callback import Listeners
from .feed import as_tensors, dtype_of
from .history import History
from .tally import Logs


class Run:
    """What the callbacks of one fit see.

    ``epoch`` and ``batch`` say how many epochs, and batches of this epoch, are done.
    """

    def __init__(self, model, compiled, feed, callbacks, epochs, initial_epoch, class_weight):
        self.model = model
        self.dtype = dtype_of(model)
        self.device = model.device
        self.compiled = compiled
        self.feed = feed
        self.epochs = epochs
        self.epoch = initial_epoch
        self.batch = 0
        self.class_weight = class_weight
        self.params = {"epochs": epochs, "steps": feed.steps}
        self.tally = compiled.tally()
        self.history = History()
        self.listeners = Listeners([self.history, *callbacks], self)
        self.complete = False
        self.in_step = False  # an error in a step leaves the model half-way
        self.resume = None  # the checkpoint to go on from
        self.at_start = None  # random states when this epoch began

    def train(self, check, interrupt):
        """All epochs that remain; ``check()`` gives the validation's results, if any."""
        tell = self.listeners.tell
        while self.epoch < self.epochs and not self.model.stop_training:
            tell("on_epoch_begin", self.epoch, {})
            self.model.train()
            self._batches(interrupt)
            if interrupt.seen:
                return
            logs = self.tally()
            if check is not None:
                logs.update({f"val_{name}": value for name, value in check().items()})
            self.epoch, self.batch = self.epoch + 1, 0
            tell("on_epoch_end", self.epoch - 1, logs)
        self.complete = True

    def _batches(self, interrupt):
        """The steps that remain of this epoch."""
        tell = self.listeners.tell
        for batch in self._remaining():
            tell("on_train_batch_begin", self.batch, {})
            self.in_step = True
            self.step(*batch)
            self.batch += 1
            self.in_step = False
            tell("on_train_batch_end", self.batch - 1, Logs(self.tally))
            if interrupt.seen or self.model.stop_training:
                return

    def _remaining(self):
        """The batches of this epoch without those already done before it was resumed."""
        if not self.batch:
            self.tally.reset()
            self.at_start = self._random_states()
            return iter(self.feed)
        now = random.get_state()
        random.set_state(self.at_start["generator"])
        self.feed.load_state_dict(self.at_start["feed"])
        batches = iter(self.feed)
        for _ in range(self.batch):
            next(batches)
        random.set_state(now)
        return batches

    def _random_states(self):
        return {"generator": random.get_state(), "feed": self.feed.state_dict()}

    def step(self, inputs, target, weight):
        """One step on one batch."""
        if self.class_weight is not None:
            weight = self.class_weight(target, weight)
        inputs = as_tensors(inputs, self.dtype, self.device)
        self.compiled.step(self.model, inputs, target, weight, self.tally)

    def state_dict(self):
        """Everything that the rest of the run depends on."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "model": self.model.state_dict(),
            "optimizer": self.compiled.optimizer.state_dict(),
            "callbacks": self._callback_states(),
            "tally": self.tally.state_dict() if self.batch else None,
            "at_start": self.at_start if self.batch else None,
            "random": random.get_state(),
            "feed": self.feed.state_dict(),
        }

    def _callback_states(self):
        """Name and state of every callback that has a state."""
        states = ((type(c).__name__, c.state_dict()) for c in self.listeners.callbacks)
        return [[name, state] for name, state in states if state]

    def load_state_dict(self, state):
        """Stand where another run stood; the model, the callbacks and the data must be alike."""
        listening = [c for c in self.listeners.callbacks if c.state_dict()]
        names = [type(c).__name__ for c in listening]
        if names != [name for name, _ in state["callbacks"]]:
            saved = [name for name, _ in state["callbacks"]]
            raise ValueError(f"resume: the checkpoint's callbacks are {saved}, here are {names}")
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.model.load_state_dict(state["model"])
        self.compiled.optimizer.load_state_dict(state["optimizer"])
        for callback, (_, own) in zip(listening, state["callbacks"]):
            callback.load_state_dict(own)
        if self.batch:
            self.tally.load_state_dict(state["tally"])
            self.at_start = state["at_start"]
        self.feed.load_state_dict(state["feed"])
        random.set_state(state["random"])
