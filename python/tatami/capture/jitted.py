"""Functions whose kernel calls are recorded, and replayed from C++."""

from functools import update_wrapper
from threading import Lock

import numpy as np

from .. import _core
from .._device import device_of
from ..autograd import Tensor
from .place import Place
from .traced import Traced, unreadable

MOST = 8  # recordings of one signature that are kept, besides the newest


def jit(f):
    """``f`` with what it computes recorded, to be replayed without Python.

    ``f`` is a step of training or of inference on tensors and arrays; call the result in its
    place. The first call of each shape runs as always, the next two are recorded and must agree,
    and all later ones only repeat the recorded kernel calls, on the same memory, with bit-equal
    results. ``@tatami.jit`` decorates functions; a method is captured for one object, by
    ``model.step = tatami.jit(model.step)``.

    >>> @tatami.jit
    ... def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = F.cross_entropy(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss

    Arguments: tensors and arrays, alone or in tuples, lists and dicts, are copied in; anything else
    (numbers, strings, a model) must be hashable. Other shapes, dtypes or values of such arguments
    are recorded anew, as are models in another mode (``train()``, ``eval()``) and gradients that
    were there or not when the step began. Results: tensors (without a history) and arrays are
    copies for the caller to keep; gradients stay in ``grad``, overwritten by the next call.

    Live, at every call: parameters, buffers and all arrays that existed before; the settings of
    optimizers (learning rates, weight decay) and their steps' numbers; schedulers, ``clip_grad_*``
    and ``EMA`` inside the step; random numbers from :mod:`tatami.random`, so dropout.

    Not live: all else that Python does happens in the first calls only. Numbers such as the weight
    of a loss stay what they were (give them as arguments), branches are decided once, ``print``
    prints thrice, and ``tatami.exact`` counts as it was. Refused, with an error that names the
    operation: values read in Python (``float(loss)``, ``item()``, ``if x > 0``), numbers and arrays
    that Python makes and that differ between the recorded calls, results of one call used in the
    next, tensors that are given another array.

    Arguments on a GPU: the step becomes one CUDA graph, see the chapter on captured steps.
    """
    return Jitted(f)


class Jitted:
    """What :func:`jit` returns; ``function`` is the step as it was given."""

    def __init__(self, function):
        if not callable(function):
            raise TypeError(f"jit: {function!r} cannot be called; give the function of a step")
        update_wrapper(self, function)
        self.function = function
        self.memory = {}  # by device, of all recordings, as one runs at a time
        self.lock = Lock()
        self.variants = {}  # signature of the arguments -> its recordings

    def __call__(self, *args, **kwargs):
        if _core.recording() is not None:  # it is part of another step
            return self.function(*args, **kwargs)
        arrays = []
        signature = _signature((args, kwargs) if kwargs else args, arrays)
        variants = self.variants.get(signature)
        if variants is None:
            self.variants[signature] = _Variants()
            return self.function(*args, **kwargs)
        with self.lock:
            for recording, result in variants.trusted:
                if recording.fits():
                    return result(recording.replay(arrays))
            return self._record(variants, args, kwargs, arrays)

    def __reduce__(self):
        return Jitted, (self.function,)

    def _record(self, variants, args, kwargs, arrays):
        before = next((r for r in variants.recorded if r.fits()), None)
        recording = self._recording(arrays)
        buffers = [_copied(a) for a in arrays]
        fixed = iter(buffers)
        whole = False
        try:
            recording.start()
            value = self.function(*_with(fixed, args), **_with(fixed, kwargs))
            outputs = []
            result = _result(recording, value, outputs)
            outputs = [recording.kept(y) for y in outputs]
            whole = True
        except Exception as error:
            if type(error).__name__ != "CUDARuntimeError":
                raise
            raise unreadable(f"after {recording.op}") from error
        finally:
            recording.stop(whole)
        del value
        copies = [y.copy() for y in outputs]
        recording.finish(buffers, outputs)
        if before is None:
            del variants.recorded[:-MOST]
            variants.recorded.append(recording)
        else:
            variants.recorded.remove(before)
            difference = recording.difference(before)
            if difference is not None:
                raise RuntimeError(
                    f"jit: two calls of the step differ at {difference}: it gets a number or an "
                    "array that Python makes anew each time, or is not called each time; give "
                    "what changes as an argument"
                )
            del variants.trusted[:-MOST]
            variants.trusted.append((recording, result))
        return result(copies)

    def _recording(self, arrays):
        """A new recording, where the arguments are."""
        devices = {device_of(a) for a in arrays}
        if len(devices) > 1:
            raise TypeError(
                "jit: some arguments are arrays of NumPy and others are on a GPU; move them to one "
                "device (cupy.asarray and cupy.asnumpy move one)"
            )
        if "cuda" not in devices:
            memory = self.memory.setdefault("cpu", _core.arena())
            return _core.HostRecording(memory)
        if "cuda" not in self.memory:
            self.memory["cuda"] = Place()
        return _core.GraphRecording(self.memory["cuda"])


class _Variants:
    """The recordings of one signature, by the arrays, gradients and modes that they began with."""

    def __init__(self):
        self.recorded = []  # once
        self.trusted = []  # twice, to the same effect


def _signature(value, arrays):
    """What tells calls apart; the arrays that are copied in are gathered."""
    kind = type(value)
    if kind is tuple or kind is list:
        return kind, *[_signature(part, arrays) for part in value]
    if kind is dict:
        return kind, *[(name, _signature(part, arrays)) for name, part in value.items()]
    if isinstance(value, Tensor) and not value.requires_grad:
        value = value.data
    if _is_array(value):
        if not hasattr(value, "__array_function__"):
            raise TypeError(
                f"jit: an argument is a {kind.__name__}; cupy.asarray makes an array of it"
            )
        arrays.append(value)
        return kind, value.shape, value.dtype
    if isinstance(value, Tensor) and not value.is_leaf:
        raise ValueError(
            f"jit: an argument of shape {value.shape} has a history, through which no gradient "
            "can flow; detach() it"
        )
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"jit: an argument is a {kind.__name__}; tensors and arrays, tuples, lists and dicts "
            "of them, and what can be hashed are taken"
        ) from None
    return kind, value


def _with(buffers, value):
    """``value`` with the next of the buffers in place of each array that is copied in."""
    kind = type(value)
    if kind is tuple or kind is list:
        return kind(_with(buffers, part) for part in value)
    if kind is dict:
        return {name: _with(buffers, part) for name, part in value.items()}
    if isinstance(value, Tensor) and not value.requires_grad:
        return Tensor(_argument(next(buffers)))
    return _argument(next(buffers)) if _is_array(value) else value


def _is_array(value):
    return isinstance(value, np.ndarray) or device_of(value) == "cuda"


def _copied(array):
    """To where the recorded kernels read it."""
    own = {"subok": False} if isinstance(array, np.ndarray) else {}
    buffer = np.empty_like(array, order="C", **own)
    buffer[...] = array
    return buffer


def _argument(buffer):
    if not isinstance(buffer, np.ndarray):
        return buffer
    view = buffer.view(Traced)
    view.flags.writeable = False
    return view


def _result(recording, value, outputs):
    """A function that makes the step's result of copies of its ``outputs``, which are gathered."""
    kind = type(value)
    if kind is tuple or kind is list:
        parts = [_result(recording, part, outputs) for part in value]
        return lambda copies: kind([part(copies) for part in parts])
    if kind is dict:
        named = {name: _result(recording, part, outputs) for name, part in value.items()}
        return lambda copies: {name: part(copies) for name, part in named.items()}
    place = len(outputs)
    if isinstance(value, Tensor) and not (value.is_leaf and value.requires_grad):
        outputs.append(value.data)
        return lambda copies: Tensor(copies[place])
    if isinstance(value, Traced) or device_of(value) == "cuda":
        outputs.append(value)
        return lambda copies: copies[place]
    return lambda copies: value  # a parameter, or no array
