"""Steps on batches: what fit does with each."""

import numpy as np

from .feed import as_tensors
from .optimizers import known, made
from .tally import Means


class Steps:
    """A way to take a model's steps, with the optimizer that takes them."""

    def __init__(self, optimizer):
        self.optimizer = optimizer if hasattr(optimizer, "param_groups") else None
        self.given = known(optimizer)

    def prepare(self, model, feed):
        """Find the input sizes that were left out, then make the optimizer given by name."""
        if not all(getattr(module, "built", True) for module in model.modules()):
            model.build(*as_tensors(feed.example(), np.float32, "cpu"))
        if self.optimizer is None:
            self.optimizer = made(self.given, model)

    def tally(self):
        """What gathers the measurements of an epoch."""
        raise NotImplementedError

    def step(self, model, inputs, target, weight, tally):
        """One step on one batch."""
        raise NotImplementedError

    def check(self, model, inputs, target, weight, tally):
        """Measure a batch without training on it."""
        raise NotImplementedError


class OwnSteps(Steps):
    """Those of a model that takes and measures them itself, in ``train_step``."""

    needs_target = False

    def tally(self):
        return Means()

    def step(self, model, inputs, target, weight, tally):
        numbers = model.train_step(self.optimizer, *self._batch(inputs, target, weight))
        tally.add(_by_name(model, "train_step", numbers), len(inputs[0]))

    def check(self, model, inputs, target, weight, tally):
        if not hasattr(model, "test_step"):
            raise ValueError(f"evaluate: {type(model).__name__} has no test_step to measure with")
        numbers = model.test_step(*self._batch(inputs, target, weight))
        tally.add(_by_name(model, "test_step", numbers), len(inputs[0]))

    def _batch(self, inputs, target, weight):
        if weight is not None:
            raise ValueError("a model with its own train_step takes no weights of rows")
        if target is None:
            return inputs
        return [*inputs, *as_tensors([target], inputs[0].dtype, inputs[0].device)]


def _by_name(model, step, numbers):
    """What a model's own step returned, if it is numbers by name."""
    if isinstance(numbers, dict) and all(np.size(value) == 1 for value in numbers.values()):
        return numbers
    raise TypeError(
        f"{type(model).__name__}.{step} must return numbers by name, such as "
        f'{{"loss": loss}}, not {numbers!r:.60}'
    )
