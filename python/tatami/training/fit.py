"""Training a model, and using it."""

import numpy as np

from ..autograd import no_grad
from ..nn import evaluating
from .checkpoint import read_checkpoint
from .compile import compiled_of
from .feed import ClassWeights, as_feed, as_inputs, as_tensors, dtype_of, is_arrays, split
from .interrupt import Interrupt
from .line import StatusLine
from .progress import Progress, shown
from .run import Run
from .tally import arrays


def fit(
    model,
    x,
    y=None,
    batch_size=32,
    epochs=1,
    *,
    verbose=1,
    callbacks=(),
    validation_split=0.0,
    validation_data=None,
    shuffle=True,
    class_weight=None,
    sample_weight=None,
    initial_epoch=0,
    steps_per_epoch=None,
    augment=None,
    seed=None,
    resume=None,
):
    """Train a compiled model; returns the :class:`History`.

    ``x`` is an array, or a tuple of them for a model of several inputs, with targets ``y``; or a
    loader, which yields (x, y) or (x, y, weight). A model with its own ``train_step`` (see
    :func:`compile`) needs no ``y``. Floats are cast to the model's dtype. The last
    share ``validation_split`` of the rows, or ``validation_data`` ((x, y[, weight]) or a loader),
    is evaluated after every epoch. ``class_weight`` {class: weight} and ``sample_weight`` (N,)
    weigh the rows' losses. ``augment(x, rng)`` changes every batch of arrays; ``seed`` fixes it
    and the order of the rows (by default they follow ``tatami.manual_seed``).

    ``verbose``: 0 silent, 1 a line that lives on a terminal, 2 one line an epoch. ``resume`` is a
    checkpoint of :class:`callbacks.ModelCheckpoint`, from which the run goes on bit for bit, given
    the same data and the same callbacks. Ctrl-C ends the run after the batch at hand with what was
    learnt; a second one at once.
    """
    compiled = compiled_of(model, "fit")
    if class_weight and not compiled.needs_target:
        raise ValueError(
            "fit: class_weight: a model with its own train_step weighs its losses itself"
        )
    if validation_split:
        x, y, sample_weight, validation_data = split(
            x, y, sample_weight, validation_split, validation_data
        )
    how = {"batch_size": batch_size, "shuffle": shuffle, "augment": augment, "seed": seed}
    target = compiled.needs_target
    feed = as_feed("fit", x, y, sample_weight, target, steps=steps_per_epoch, **how)
    compiled.prepare(model, feed)
    callbacks = [*callbacks, Progress(live=verbose == 1)] if verbose else list(callbacks)
    weights = ClassWeights(class_weight) if class_weight else None
    run = Run(model, compiled, feed, callbacks, epochs, initial_epoch, weights)
    run.resume = resume
    return _trained(run, _check(model, compiled, validation_data, batch_size))


def _check(model, compiled, data, batch_size):
    """The function that evaluates the validation data, or None."""
    if data is None:
        return None
    parts = data if isinstance(data, tuple) else (data,)
    caller, target = "fit: validation_data", compiled.needs_target
    feed = as_feed(caller, *parts, needs_target=target, batch_size=batch_size)
    return lambda: _measure(model, compiled, feed)


def _trained(run, check):
    """The history of the run, from its beginning or a checkpoint to its end or Ctrl-C."""
    run.model.stop_training = False
    tell = run.listeners.tell
    with Interrupt() as interrupt:
        tell("on_train_begin", {})
        try:
            if run.resume is not None:
                run.load_state_dict(read_checkpoint(run.resume))
            run.train(check, interrupt)
        finally:
            tell("on_train_end", {})
    return run.history


def evaluate(model, x, y=None, batch_size=32, *, verbose=0, sample_weight=None, return_dict=False):
    """Loss and metrics of the rows of arrays or a loader, without training on them.

    Returns the loss, or a list of it and the metrics; a dict by name under ``return_dict``.
    ``verbose=1`` counts the batches on a terminal and prints the results.
    """
    compiled = compiled_of(model, "evaluate")
    target = compiled.needs_target
    feed = as_feed("evaluate", x, y, sample_weight, target, batch_size=batch_size)
    compiled.prepare(model, feed)
    line = StatusLine() if verbose else None
    results = _measure(model, compiled, feed, line)
    if line is not None:
        line.finish(shown(results))
    if return_dict:
        return results
    values = list(results.values())
    return values if len(values) > 1 else values[0]


@no_grad()
def _measure(model, compiled, feed, line=None):
    """Loss and metrics by name; the model trains on as before."""
    tally = compiled.tally()
    dtype, device = dtype_of(model), model.device
    with evaluating(model):
        for inputs, target, weight in _counted(feed, feed.steps, line):
            inputs = as_tensors(inputs, dtype, device)
            compiled.check(model, inputs, target, weight, tally)
    return tally()


def _counted(batches, steps, line):
    """The batches, counted on a terminal's line if one is given."""
    for k, batch in enumerate(batches):
        if line is not None and line.due():
            line.show(f"{k}/{steps}" if steps else f"{k}")
        yield batch


@no_grad()
def predict(model, x, batch_size=32, *, verbose=0):
    """The model's output for every row of arrays or a loader, as one array (or a tuple of them).

    A loader may yield x, (x, y) or (x, y, weight). ``verbose=1`` counts the batches.
    """
    if batch_size < 1:
        raise ValueError(f"predict: batch_size must be at least 1, not {batch_size}")
    line = StatusLine() if verbose else None
    steps = -(-len(as_inputs(x)[0]) // batch_size) if is_arrays(x) else None
    dtype = None
    parts = []
    with evaluating(model):
        for inputs in _counted(_inputs(x, batch_size), steps, line):
            if dtype is None:
                dtype, device = dtype_of(model), model.device
            parts.append(arrays(model(*as_tensors(inputs, dtype, device))))
    if line is not None:
        line.finish(f"{len(parts)}/{len(parts)}")
    if parts and isinstance(parts[0], tuple):
        return tuple(map(np.concatenate, zip(*parts)))
    return np.concatenate(parts)


def _inputs(x, batch_size):
    if not is_arrays(x):
        for batch in x:
            yield as_inputs(batch[0] if isinstance(batch, (tuple, list)) else batch)
        return
    inputs = as_inputs(x)
    for start in range(0, max(len(inputs[0]), 1), batch_size):
        yield [part[start : start + batch_size] for part in inputs]
