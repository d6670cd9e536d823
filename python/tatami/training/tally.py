"""What is measured, over the rows seen so far."""

from collections.abc import Mapping

from .._device import moved
from ..autograd import Tensor
from ..metrics import Mean


class Tally:
    """Adds up batch after batch; calling it gives ``{"loss": mean, metric: value, ...}``."""

    def __init__(self, metrics):
        self.loss = Mean("loss")
        self.metrics = metrics
        self.reset()

    def reset(self):
        for metric in (self.loss, *self.metrics):
            metric.reset()

    def add(self, loss, output, target):
        self.loss.add(loss.item(), len(target))
        if self.metrics:
            output = arrays(output)
            for metric in self.metrics:
                metric.update(moved(target, "cpu"), output)

    def __call__(self):
        return {metric.name: metric.result() for metric in (self.loss, *self.metrics)}

    def state_dict(self):
        return [metric.state_dict() for metric in (self.loss, *self.metrics)]

    def load_state_dict(self, states):
        for metric, state in zip((self.loss, *self.metrics), states):
            metric.load_state_dict(state)


class Means:
    """The mean over all rows of numbers by name, each of which is a batch's mean."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.means = {}

    def add(self, numbers, rows):
        for name, value in numbers.items():
            self.means.setdefault(name, Mean(name)).add(float(value), rows)

    def __call__(self):
        return {name: mean.result() for name, mean in self.means.items()}

    def state_dict(self):
        return {name: mean.state_dict() for name, mean in self.means.items()}

    def load_state_dict(self, states):
        self.reset()
        for name, state in states.items():
            self.means[name] = Mean(name)
            self.means[name].load_state_dict(state)


class Logs(Mapping):
    """A mapping that is worked out when first looked at: most batches nobody asks."""

    def __init__(self, compute):
        self._compute = compute
        self._values = None

    @property
    def values_now(self):
        if self._values is None:
            self._values = self._compute()
        return self._values

    def __getitem__(self, name):
        return self.values_now[name]

    def __iter__(self):
        return iter(self.values_now)

    def __len__(self):
        return len(self.values_now)

    def __repr__(self):
        return repr(self.values_now)


def arrays(output):
    """The NumPy arrays of a tensor, or of a tuple of them."""
    if isinstance(output, Tensor):
        return moved(output.data, "cpu")
    return tuple(arrays(part) for part in output) if isinstance(output, tuple) else output
