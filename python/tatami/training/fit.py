"""Training a model on arrays, and using it."""

import numpy as np

from .. import functional as F
from .. import random
from ..autograd import Tensor, no_grad
from .batches import batches
from .progress import Progress


class _Means:
    """Loss and, for class indices, accuracy over the rows seen so far."""

    def __init__(self):
        self.rows = 0
        self.totals = {}

    def add(self, loss, output, y):
        self._add("loss", loss.item() * len(y))
        if y.dtype.kind in "iu":
            self._add("accuracy", int((output.data.argmax(axis=1) == y).sum()))
        self.rows += len(y)

    def _add(self, name, value):
        self.totals[name] = self.totals.get(name, 0) + value

    def __call__(self):
        return {name: total / self.rows for name, total in self.totals.items()}


def fit(
    model,
    x,
    y,
    *,
    optimizer,
    loss=F.cross_entropy,
    epochs=1,
    batch_size=32,
    validation_data=None,
    schedule=None,
    augment=None,
    seed=None,
    callbacks=(),
    verbose=True,
):
    """Train ``model`` on the rows of the arrays ``x`` and ``y``.

    ``loss(output, target)`` is a mean over the batch. ``validation_data`` (x, y) is evaluated
    after every epoch. ``augment(x, rng)`` changes every batch, ``schedule.step()`` follows it.
    ``seed`` fixes the order of the rows and the augmentation (by default they come from the
    generator of ``tatami.manual_seed``). ``callbacks`` are :class:`Callback`; ``verbose`` adds a
    :class:`Progress`. Returns the history: ``{"loss": [mean of epoch 1, ...], "accuracy": ...}``.
    """
    rng = random.generator() if seed is None else np.random.default_rng(seed)
    callbacks = [*callbacks, Progress(epochs, len(x))] if verbose else callbacks
    history = {}
    try:
        for epoch in range(1, epochs + 1):
            _tell(callbacks, "on_epoch_begin", epoch)
            means = _Means()
            model.train()
            for rows, target in batches(x, y, batch_size, rng):
                rows = rows if augment is None else augment(rows, rng)
                means.add(*_train(model, rows, target, optimizer, loss), target)
                if schedule is not None:
                    schedule.step()
                _tell(callbacks, "on_batch_end", epoch, means.rows, means())
            results = means()
            if validation_data is not None:
                checked = evaluate(model, *validation_data, loss=loss)
                results.update({f"val_{name}": value for name, value in checked.items()})
            for name, value in results.items():
                history.setdefault(name, []).append(value)
            _tell(callbacks, "on_epoch_end", epoch, results)
    finally:
        _tell(callbacks, "on_train_end")
    return history


def _tell(callbacks, event, *what):
    for callback in callbacks:
        getattr(callback, event)(*what)


def _train(model, rows, target, optimizer, loss):
    """One step on one batch: its loss and the model's output before it."""
    optimizer.zero_grad()
    output = model(Tensor(rows))
    value = loss(output, target)
    value.backward()
    optimizer.step()
    return value, output


@no_grad()
def evaluate(model, x, y, *, loss=F.cross_entropy, batch_size=256):
    """Mean loss (and accuracy, for class indices) of the rows, without training on them."""
    model.eval()
    means = _Means()
    for rows, target in batches(x, y, batch_size):
        output = model(Tensor(rows))
        means.add(loss(output, target), output, target)
    return means()


@no_grad()
def predict(model, x, *, batch_size=256):
    """The model's output for every row, as one array."""
    model.eval()
    parts = [
        model(Tensor(x[start : start + batch_size])).data
        for start in range(0, max(len(x), 1), batch_size)
    ]
    return np.concatenate(parts)
