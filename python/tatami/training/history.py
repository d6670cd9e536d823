"""What a run measured, epoch by epoch."""

from .callback import Callback


class History(Callback):
    """``history``: name -> list of values, one an epoch; ``epoch``: the epochs, from 0."""

    def __init__(self):
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def state_dict(self):
        history = {name: list(values) for name, values in self.history.items()}
        return {"epoch": list(self.epoch), "history": history}

    def load_state_dict(self, state):
        self.epoch = state["epoch"]
        self.history = state["history"]

    def __repr__(self):
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        return f"History({len(self.epoch)} epochs{': ' if last else ''}{last})"
