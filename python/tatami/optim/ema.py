"""Averages of the weights over the steps of training."""

from contextlib import contextmanager

import numpy as np

from .. import kernels as K
from .._device import device_of, moved
from ..capture.live import live
from ..nn.module import Module


class EMA:
    """Exponential moving averages of a model's weights: ``a = decay * a + (1 - decay) * w``.

    ``model`` is a module, whose buffers (running statistics) are averaged as well and copied where
    they are integers, or a list of tensors. Call :meth:`update` after each optimizer step; the
    first one takes the weights as they are. Evaluate with the averages inside
    ``with ema.applied():``, or between :meth:`apply` and :meth:`restore`.
    """

    def __init__(self, model, decay=0.999):
        if isinstance(model, Module):
            model = [*model.parameters(), *model.buffers()]
        self.decay = decay
        self.tensors = list(model)
        self.averages = [t.data.copy() for t in self.tensors]
        self.updates = 0
        self.weights = None  # the model's own, while the averages are applied
        K.ema_step([], [], decay=decay)  # refuses a decay outside [0, 1]

    @live
    def update(self):
        """Take the weights of this step into the averages."""
        if self.weights is not None:
            raise RuntimeError("EMA.update: the averages are applied; restore the weights first")
        decay = self.decay if self.updates else 0.0
        together = {}
        for average, t in zip(self.averages, self.tensors):
            if t.dtype.kind == "f":
                lists = together.setdefault(t.dtype, ([], []))
                lists[0].append(average)
                lists[1].append(t.data)
            else:
                average[...] = t.data
        for averages, weights in together.values():
            K.ema_step(averages, weights, decay=decay)
        self.updates += 1

    def apply(self):
        """Put the averages in the weights' place."""
        if self.weights is not None:
            raise RuntimeError("EMA.apply: the averages are applied already")
        self.weights = [t.data.copy() for t in self.tensors]
        self._write(self.averages)

    def restore(self):
        """Put the weights back."""
        if self.weights is None:
            raise RuntimeError("EMA.restore: the averages are not applied")
        self._write(self.weights)
        self.weights = None

    @contextmanager
    def applied(self):
        """``with ema.applied():`` the model has the averages inside the block."""
        self.apply()
        try:
            yield self
        finally:
            self.restore()

    def _write(self, arrays):
        for t, array in zip(self.tensors, arrays):
            t.data[...] = array
            t.bump()

    def state_dict(self):
        """A copy of the averages and the number of updates."""
        averages = [moved(a.copy(), "cpu") for a in self.averages]
        return {"updates": self.updates, "averages": averages}

    def load_state_dict(self, state_dict):
        shapes = [np.shape(a) for a in state_dict["averages"]]
        own = [a.shape for a in self.averages]
        if shapes != own:
            raise ValueError(f"EMA.load_state_dict: shapes are {shapes} but the model's are {own}")
        self.updates = int(state_dict["updates"])
        for average, loaded in zip(self.averages, state_dict["averages"]):
            average[...] = moved(loaded, device_of(average))
