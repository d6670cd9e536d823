"""Where batches come from: arrays or a loader, always as (inputs, target, weight)."""

import numpy as np

from .. import random
from .._device import device_of, moved
from ..autograd import Tensor


def as_feed(caller, x, y=None, weight=None, needs_target=True, *, steps=None, **settings):
    """The feed of arrays ``x`` and ``y``, or of a loader ``x``."""
    if is_arrays(x):
        if y is None and needs_target:
            raise ValueError(
                f"{caller}: y is missing; give targets, or a loader that yields (x, y)"
            )
        return ArrayFeed(caller, x, y, weight, steps=steps, **settings)
    if y is not None or weight is not None:
        raise ValueError(f"{caller}: a loader yields (x, y[, weight]); give no y beside it")
    return LoaderFeed(caller, x, needs_target, steps)


def is_arrays(x):
    """True for an array, a list that becomes one, and a tuple of several inputs.

    A list of tuples that hold arrays is a loader: its batches.
    """
    if isinstance(x, tuple):
        return all(is_arrays(part) for part in x)
    if isinstance(x, list):
        batches = x and isinstance(x[0], tuple) and any(hasattr(p, "__array__") for p in x[0])
        return not batches
    return hasattr(x, "__array__")


def as_inputs(x):
    """A tuple of arrays, one for every argument of the model."""
    return tuple(map(_array, x)) if isinstance(x, tuple) else (_array(x),)


def as_tensors(inputs, dtype, device):
    """Tensors of the inputs on the model's device, floats in the model's dtype."""
    return [
        Tensor(moved(x.astype(dtype) if x.dtype.kind == "f" and x.dtype != dtype else x, device))
        for x in inputs
    ]


def dtype_of(model):
    """The dtype of the model's weights; float32 without any."""
    dtypes = (p.dtype for p in model.parameters())
    return next((dtype for dtype in dtypes if dtype.kind == "f"), np.dtype(np.float32))


def split(x, y, weight, share, validation_data):
    """x, y and weight without the last ``share`` of the rows, and those rows."""
    if validation_data is not None or not is_arrays(x):
        raise ValueError("fit: validation_split needs arrays, and no validation_data")
    rows = len(as_inputs(x)[0])
    first = int(rows * (1 - share))
    if not 0 < first < rows:
        raise ValueError(
            f"fit: validation_split={share} of {rows} rows leaves {first} to train on "
            f"and {rows - first} to validate with"
        )
    before, after = slice(first), slice(first, None)

    def part(a, which):
        if isinstance(a, tuple):
            return tuple(part(one, which) for one in a)
        return None if a is None else _array(a)[which]

    return *(part(a, before) for a in (x, y, weight)), tuple(part(a, after) for a in (x, y, weight))


class ClassWeights:
    """Weights of the rows from those of their classes: {class: weight}, 1 for the others."""

    def __init__(self, weights):
        self.table = np.ones(max(weights) + 1)
        for index, weight in weights.items():
            self.table[index] = weight

    def __call__(self, target, weight):
        classes = target.argmax(axis=1) if target.ndim > 1 and target.shape[1] > 1 else target
        classes = classes.reshape(len(target)).astype(np.int64)
        known = classes < len(self.table)
        own = np.where(known, self.table[np.where(known, classes, 0)], 1.0)
        return own if weight is None else own * weight


class ArrayFeed:
    """Rows of arrays in batches, the last perhaps smaller; each epoch in a new order if shuffled.

    ``rng`` is asked for one number an epoch, from which its order and ``augment(x, rng)`` follow;
    by default it is the generator of ``tatami.manual_seed``.
    """

    def __init__(
        self, caller, x, y, weight=None, batch_size=32, shuffle=False, augment=None, seed=None,
        steps=None,
    ):  # fmt: skip
        if batch_size < 1:
            raise ValueError(f"{caller}: batch_size must be at least 1, not {batch_size}")
        self.inputs = as_inputs(x)
        self.target, self.weight = _array(y), _array(weight)
        whole, first = ("x", self.inputs[0]) if y is None else ("y", self.target)
        self.rows = len(first)
        for name, part in [*(("x", part) for part in self.inputs), ("sample_weight", self.weight)]:
            if part is not None and len(part) != self.rows:
                raise ValueError(
                    f"{caller}: {name} has {len(part)} rows (shape {part.shape}) but {whole} has "
                    f"{self.rows} (shape {first.shape})"
                )
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.rng = None if seed is None else np.random.default_rng(seed)
        self.steps = -(-self.rows // batch_size)
        if steps is not None:
            self.steps = min(steps, self.steps)
        if self.steps < 1:
            raise ValueError(
                f"{caller}: there is nothing to do: {self.rows} rows ({whole} has shape "
                f"{first.shape})" + ("" if steps is None else f", steps_per_epoch={steps}")
            )

    def __iter__(self):
        rng = order = None
        if self.shuffle or self.augment is not None:
            rng = np.random.default_rng(int((self.rng or random.generator()).integers(1 << 63)))
        if self.shuffle:
            order = rng.permutation(self.rows)
        for step in range(self.steps):
            rows = slice(step * self.batch_size, (step + 1) * self.batch_size)
            if order is not None:
                rows = order[rows]
            inputs = [part[rows] for part in self.inputs]
            if self.augment is not None:
                inputs[0] = self.augment(inputs[0], rng)
            weight = None if self.weight is None else self.weight[rows]
            yield inputs, None if self.target is None else self.target[rows], weight

    def example(self):
        """The inputs of one row."""
        return [part[:1] for part in self.inputs]

    def state_dict(self):
        """What the next epoch's order depends on."""
        return {"rng": None if self.rng is None else self.rng.bit_generator.state}

    def load_state_dict(self, state):
        if self.rng is not None:
            self.rng.bit_generator.state = state["rng"]


class LoaderFeed:
    """The batches of a loader: anything that can be iterated every epoch, of (x, y[, weight]).

    With ``steps`` an epoch is so many batches, and the next epoch goes on where it ended.
    """

    def __init__(self, caller, loader, needs_target=True, steps=None):
        if not hasattr(loader, "__iter__"):
            raise TypeError(
                f"{caller}: x must be arrays, or a loader that yields (x, y), not {loader!r}"
            )
        self.caller = caller
        self.loader = loader
        self.needs_target = needs_target
        length = len(loader) if hasattr(loader, "__len__") else None
        self.steps = length if steps is None else steps  # None: only known at the end
        self.whole = steps is None
        self.rest = iter(())  # of the pass through the loader that is under way

    def __iter__(self):
        if self.whole:
            self.rest = self._pass()
            return self.rest
        return (self._next() for _ in range(self.steps))

    def _next(self):
        batch = next(self.rest, None)
        if batch is None:
            self.rest = self._pass()
            batch = next(self.rest)
        return batch

    def _pass(self):
        """The loader's batches from first to last."""
        batch = None
        for batch in self.loader:
            x, y, weight = self._parts(batch)
            yield as_inputs(x), _array(y), _array(weight)
        if batch is None:
            raise ValueError(
                f"{self.caller}: the loader yields nothing; a generator is empty after one epoch, "
                "give a list or an object with __iter__"
            )

    def _parts(self, batch):
        """x, y and weight; None for what is not there."""
        parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if not (2 if self.needs_target else 1) <= len(parts) <= 3:
            raise ValueError(f"{self.caller}: the loader must yield (x, y) or (x, y, weight)")
        return parts + (None,) * (3 - len(parts))

    def example(self):
        """The inputs of the first batch; random numbers go on as if it had not been asked for."""
        before, own = random.get_state(), self.state_dict()
        inputs, *_ = next(self._pass())
        random.set_state(before)
        self.load_state_dict(own)
        return inputs

    def state_dict(self):
        return self.loader.state_dict() if hasattr(self.loader, "state_dict") else {}

    def load_state_dict(self, state):
        self.rest = iter(())
        if hasattr(self.loader, "load_state_dict"):
            self.loader.load_state_dict(state)


def _array(value):
    if value is None or device_of(value) == "cuda":
        return value
    return np.asarray(value)
