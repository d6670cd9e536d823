"""The arrays of a step that is being recorded: what NumPy does with them is recorded too."""

import numpy as np

from .. import _core

_metadata = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj}
_metadata |= {np.may_share_memory, np.shares_memory, np.common_type, np.min_scalar_type}


class Traced(np.ndarray):
    """An array whose every use by NumPy is recorded; where nothing is, an ordinary one."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return call(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        return call(func, args, kwargs)


def _method(name):
    raw = getattr(np.ndarray, name)
    return lambda self, *args, **kwargs: call(raw, (self, *args), kwargs)


def _reading(name):
    raw = getattr(np.ndarray, name)

    def method(self, *args):
        if _core.recording() is not None:
            raise unreadable(name)
        return raw(self, *args)

    return method


_COMPUTING = """
    __getitem__ __setitem__ argmax argmin argpartition argsort astype byteswap choose compress copy
    diagonal dot fill flatten mean nonzero partition put ravel repeat reshape round searchsorted
    sort std take trace var
"""  # without a ufunc
_READING = """
    __bool__ __complex__ __contains__ __float__ __index__ __int__ dump dumps item tobytes tofile
    tolist
"""

for _name in _COMPUTING.split():
    setattr(Traced, _name, _method(_name))
for _name in _READING.split():
    setattr(Traced, _name, _reading(_name))


def call(func, args, kwargs):
    """``func(*args, **kwargs)``, again at every replay; what it returns are arrays that record."""
    recording = _core.recording()
    plain_args, plain_kwargs = mapped(_plain, args), mapped(_plain, kwargs)
    if recording is None or func in _metadata:
        return func(*plain_args, **plain_kwargs)
    recording.op = _name_of(func)
    if isinstance(recording, _core.GraphRecording):
        recording.refuse()
    before = recording.constant(args[0]) if args and isinstance(args[0], np.ndarray) else None
    value = func(*plain_args, **plain_kwargs)
    kwargs, target = dict(kwargs), None
    if kwargs.get("out") is not None:
        value = _written(recording, kwargs["out"])
    elif value is None:  # it changed its first argument
        if before is not None:
            recording.mark(args[0])
            recording.call(np.copyto, (recording.kept(args[0]), recording.kept(before)), {}, None)
    else:
        value, target = _results(recording, value, list(_arrays((plain_args, plain_kwargs))))
        if target is None:
            return value
        if isinstance(target, np.ndarray) and _takes_out(func):
            kwargs["out"], target = value, None
    recording.call(func, mapped(recording.kept, args), mapped(recording.kept, kwargs), target)
    return value


def _written(recording, out):
    """What was given as ``out=``, a tuple of one by ufuncs."""
    for array in _arrays(out):
        recording.mark(array)
    return out[0] if isinstance(out, tuple) and len(out) == 1 else out


def _results(recording, value, given):
    """(arrays that record, arrays that a replay fills); views of the ``given`` need no filling."""
    if isinstance(value, (tuple, list)):
        pairs = [_results(recording, part, given) for part in value]
        parts, targets = zip(*pairs, strict=True) if pairs else ((), ())
        filled = any(target is not None for target in targets)
        return type(value)(parts) if type(value) is list else parts, targets if filled else None
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        raise unreadable(recording.op)
    if any(np.may_share_memory(value, array) for array in given):
        return value.view(Traced), None
    value = recording.adopt(value)
    return value, recording.kept(value)


def unreadable(name):
    return RuntimeError(
        f"jit: the step brings a value to Python ({name}), which no replay can do; return the "
        "array from the step, or leave that part outside"
    )


def _name_of(func):
    owner = getattr(func, "__self__", None)
    name = getattr(func, "__name__", "a function")
    return f"{owner.__name__}.{name}" if isinstance(owner, np.ufunc) else name


def _takes_out(func):
    if isinstance(func, np.ufunc):
        return func.nout == 1
    return isinstance(getattr(func, "__self__", None), np.ufunc) and func.__name__ != "at"


def _plain(array):
    return array.view(np.ndarray) if isinstance(array, Traced) else array


def mapped(change, value):
    """``value`` with ``change`` applied to every array in its tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return change(value)
    if type(value) is tuple or type(value) is list:
        return type(value)(mapped(change, part) for part in value)
    if type(value) is dict:
        return {name: mapped(change, part) for name, part in value.items()}
    return value


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))


_core.set_traced_type(Traced)
