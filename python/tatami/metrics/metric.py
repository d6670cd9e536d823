"""What metrics have in common: numbers gathered batch by batch."""

import copy


class Metric:
    """``update`` with every batch, then ask for the ``result``; ``reset`` starts anew.

    A subclass names in ``state`` the attributes that change and sets their first values in
    ``reset``; its ``update(y_true, y_pred)`` takes arrays, its ``result()`` gives a number.
    """

    state = ()
    name = "metric"

    def __init__(self):
        self.reset()

    def reset(self):
        raise NotImplementedError(f"{type(self).__name__} has no reset")

    def update(self, y_true, y_pred):
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def result(self):
        raise NotImplementedError(f"{type(self).__name__} has no result")

    def of(self, y_true, y_pred):
        """The result for these arrays alone."""
        self.reset()
        self.update(y_true, y_pred)
        return self.result()

    def state_dict(self):
        """What has been gathered, as numbers and arrays."""
        return {name: copy.copy(getattr(self, name)) for name in self.state}

    def load_state_dict(self, state):
        for name in self.state:
            setattr(self, name, copy.copy(state[name]))


class Mean(Metric):
    """The mean of numbers, each with its weight."""

    state = ("total", "weight")

    def __init__(self, name="mean"):
        self.name = name
        super().__init__()

    def reset(self):
        self.total, self.weight = 0.0, 0

    def add(self, value, weight=1):
        self.total += value * weight
        self.weight += weight

    def result(self):
        return self.total / self.weight if self.weight else float("nan")


class MeanOf(Mean):
    """The mean over all rows of ``function(y_true, y_pred)``, a mean over the rows of a batch."""

    def __init__(self, function, name=None):
        self.function = function
        super().__init__(name or getattr(function, "__name__", type(function).__name__))

    def update(self, y_true, y_pred):
        self.add(float(self.function(y_true, y_pred)), len(y_true))
