"""A stand-in for CuPy where there is no GPU: the emulated kernels' arrays.

Device memory is host memory that nothing may touch but the emulator while a kernel runs, and this
module where CuPy itself would launch something: whatever else reads or writes it (a binding that
forgets where an array is, say) ends the process. Fresh memory is NaN. As in CuPy, arrays take part
in NumPy's functions but do not mix with NumPy's arrays, and reductions give arrays of no axes.
While a stream is captured, what would be launched on it is kept for the graph: only its results'
shapes are found out, from zeros. Whatever waits for the GPU then, or copies from the host, is an
error.
"""

import contextlib
import ctypes
import functools
import mmap
import operator
import os
import sys
import traceback
import types

import numpy as np

_SIZE = 1 << 30
_ALIGN = 512
_NONE, _ALL = 0, mmap.PROT_READ | mmap.PROT_WRITE

_arena = mmap.mmap(-1, _SIZE)
_start = ctypes.addressof(ctypes.c_char.from_buffer(_arena))
_protect = ctypes.CDLL(None, use_errno=True).mprotect
_protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_open = 0
used = set()  # names of NumPy that were called: CuPy must have them
streams = set()  # on which kernels were to run when they asked for workspace
context = None  # of the kernels' calls; its first field is the stream
_captured = None  # the emulator's function that keeps what a stream that is captured was given
_kept = []  # what graphs call, and what names it


def install(library):
    """Be the module cupy; `library` is the file of the emulated kernels."""
    hold = ctypes.CDLL(library).tatami_emulator_hold
    hold.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    hold(_start, _SIZE)
    global context
    context = ctypes.CDLL(library).tatami_cuda_context
    context.restype = ctypes.POINTER(ctypes.c_void_p)
    global _captured
    _captured = ctypes.CDLL(library).tatami_emulator_capture
    _captured.argtypes = [ctypes.c_void_p] * 4
    _captured.restype = ctypes.c_bool
    _protect(_start, _SIZE, _NONE)
    sys.modules["cupy"] = sys.modules[__name__]


@contextlib.contextmanager
def _access():
    global _open
    if _open == 0:
        _protect(_start, _SIZE, _ALL)
    _open += 1
    try:
        yield
    finally:
        _open -= 1
        if _open == 0:
            _protect(_start, _SIZE, _NONE)


# Memory


class _Pool:
    """Blocks by size, kept when they are freed, as CuPy's pool does."""

    def __init__(self):
        self.end = 0
        self.free = {}
        self.in_use = 0

    def take(self, size):
        if self.free.get(size):
            return self.free[size].pop()
        if self.end + size > _SIZE:
            raise MemoryError("fake_cupy: out of device memory")
        self.end += size
        return self.end - size


_pool = _Pool()


class MemoryPointer:
    """As cupy.cuda.MemoryPointer, of a whole block."""

    device_id = 0
    mem = property(lambda self: self)

    def __init__(self, bytes, pool=_pool):
        self.size = max(_ALIGN, -(-bytes // _ALIGN) * _ALIGN)
        self.pool = pool
        self.offset = pool.take(self.size)
        self.ptr = _start + self.offset
        _pool.in_use += 1
        streams.add(context()[0])
        if not _capturing():  # where a graph may still read it
            with _access():
                ctypes.memset(self.ptr, 0xFF, self.size)

    def __del__(self):
        _pool.in_use -= 1
        self.pool.free.setdefault(self.size, []).append(self.offset)


class MemoryPool(_Pool):
    """Blocks of its own, from the one above, which never get back."""

    def take(self, size):
        return self.free[size].pop() if self.free.get(size) else _pool.take(size)

    def malloc(self, size):
        return MemoryPointer(size, self)


_allocators = [MemoryPointer]


@contextlib.contextmanager
def _using_allocator(allocate):
    _allocators.append(allocate)
    try:
        yield
    finally:
        _allocators.pop()


def _alloc(size):
    return _allocators[-1](size)


class _View:
    """The pointer of an array within another's block."""

    device_id = 0

    def __init__(self, owner, ptr):
        self.owner = owner
        self.ptr = ptr

    @property
    def mem(self):
        return getattr(self.owner, "mem", self)


_streams = []


class Stream:
    def __init__(self, null=False, non_blocking=False):
        self.ptr = 0 if null else id(self)

    def __enter__(self):
        _streams.append(self)
        return self

    def __exit__(self, *_):
        _streams.pop()

    def synchronize(self):
        _wait()


Stream.null = Stream(null=True)


def _current_stream():
    return _streams[-1] if _streams else Stream.null


class CUDARuntimeError(RuntimeError):
    pass


def _capturing():
    stream = _current_stream().ptr
    return bool(stream) and _captured is not None and _captured(stream, None, None, None)


def _wait(what="operation not permitted when stream is capturing"):
    if _capturing():
        raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {what}")


_Kept = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _keep(name, run):
    """A launch of CuPy's for the graph, where an error would go unseen."""

    def run_or_end(_):
        try:
            run()
        except BaseException:
            traceback.print_exc()
            os.abort()

    run_or_end = _Kept(run_or_end)
    _kept.append(run_or_end)
    _captured(_current_stream().ptr, hash(name) | 1, run_or_end, None)


cuda = types.SimpleNamespace(
    MemoryPointer=MemoryPointer,
    MemoryPool=MemoryPool,
    Stream=Stream,
    alloc=_alloc,
    using_allocator=_using_allocator,
    get_current_stream=_current_stream,
    runtime=types.SimpleNamespace(getDevice=lambda: 0, getDeviceCount=lambda: 1),
)


# Arrays


class _Flags:
    """No `writeable`: CuPy's arrays always are."""

    def __init__(self, host):
        self.c_contiguous = host.flags.c_contiguous
        self.f_contiguous = host.flags.f_contiguous


class ndarray:
    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        shape = tuple(shape) if np.iterable(shape) else (shape,)
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        self.data = memptr or _alloc(size)
        self.base = None
        self._host = np.ndarray(shape, dtype, _arena, self.data.ptr - _start, strides, order)

    shape = property(lambda self: self._host.shape)
    strides = property(lambda self: self._host.strides)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    flags = property(lambda self: _Flags(self._host))
    device = types.SimpleNamespace(id=0)

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.data.ptr, False),
            "version": 3,
            "strides": self.strides,
            "stream": 1,
        }

    def get(self):
        _wait()
        with _access():
            return self._host.copy()

    def item(self, *args):
        _wait()
        with _access():
            return self._host.item(*args)

    def tolist(self):
        return self.get().tolist()

    def copy(self, order="C"):
        return _call(np.array, self, order=order)

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed: use .get()")

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        used.add(ufunc.__name__)
        return _call(getattr(ufunc, method), *inputs, **settings)

    def __array_function__(self, function, kinds, args, settings):
        if not all(issubclass(kind, ndarray) for kind in kinds):
            return NotImplemented
        used.add(function.__name__)
        return _call(function, *args, **settings)

    def __getitem__(self, at):
        at = _index(at)
        if any(a.dtype == bool for a in _arrays([at])):
            _wait()
        return _call(operator.getitem, self, at)

    def __setitem__(self, at, value):
        _call(operator.setitem, self, _index(at), value)

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    __index__ = __int__
    __hash__ = None

    def __repr__(self):
        return repr(self.get())

    def __format__(self, spec):
        return format(self.item() if self.ndim == 0 else str(self), spec)


def _method(name):
    def method(self, *args, **settings):
        def called(a, *rest, **named):
            return getattr(a, name)(*rest, **named)

        return _call(called, self, *args, **settings)

    return method


_TWO = "add sub mul truediv floordiv mod pow and or xor"
_ONE = "lt le gt ge eq ne neg pos abs invert"
_NAMED = """all any argmax argmin argsort astype clip cumsum dot fill flatten max mean min nonzero
    prod ravel repeat reshape round sort squeeze std sum swapaxes take transpose var view"""
for _name in _NAMED.split():
    setattr(ndarray, _name, _method(_name))
for _name in f"{_TWO} {_ONE} matmul rmatmul".split():
    setattr(ndarray, f"__{_name}__", _method(f"__{_name}__"))
for _name in _TWO.split():
    setattr(ndarray, f"__r{_name}__", _method(f"__r{_name}__"))
    setattr(ndarray, f"__i{_name}__", _method(f"__i{_name}__"))
ndarray.T = property(lambda self: self.transpose())
ndarray.real = property(lambda self: self)


def _bare(value, host=lambda a: a._host):
    if isinstance(value, ndarray):
        return host(value)
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)(_bare(v, host) for v in value)
    return value


def _index(at):
    """An index may hold arrays of the host, which are copied here."""
    if isinstance(at, tuple):
        return tuple(map(_index, at))
    return array(np.asarray(at, None if len(at) else int)) if _is_list(at) else at


def _is_list(at):
    return isinstance(at, (list, np.ndarray))


def _wrapped(value, mine):
    """Results as device arrays: views of an argument's memory stay that."""
    if isinstance(value, (list, tuple)):
        return type(value)(_wrapped(v, mine) for v in value)
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    value = np.asarray(value)
    at = value.__array_interface__["data"][0]
    if _start <= at < _start + _SIZE and value.size:
        for a in mine:
            if a._host is value:
                return a
        owner = next((a.data for a in mine if np.may_share_memory(a._host, value)), mine[0].data)
        view = ndarray(value.shape, value.dtype, _View(owner, at), value.strides)
        view.base = mine[0]
        return view
    made = ndarray(value.shape, value.dtype)
    made._host[...] = value
    return made


def _arrays(values):
    for v in values:
        if isinstance(v, ndarray):
            yield v
        elif isinstance(v, (list, tuple)):
            yield from _arrays(v)


def _call(function, *args, **settings):
    mine = list(_arrays([*args, *settings.values()]))
    bare = _bare(args), {name: _bare(v) for name, v in settings.items()}
    if _capturing():
        zeros = {id(a): _zeros(a._host) for a in mine}
        trial = [_bare(v, lambda a: zeros[id(a)]) for v in (args, tuple(settings.values()))]
        with np.errstate(all="ignore"):
            result = function(*trial[0], **dict(zip(settings, trial[1], strict=True)))
        if not any(_views(result, z) for z in zeros.values()):
            return _launched(function, bare, result, {id(zeros[id(a)]): a for a in mine})
    with _access(), np.errstate(all="ignore"):
        result = function(*bare[0], **bare[1])
        if result is NotImplemented:
            return result
        return _wrapped(result, mine)


def _zeros(host):
    """An array of the same layout."""
    ends = [(n - 1) * step for n, step in zip(host.shape, host.strides, strict=True)]
    if not host.size:
        return np.zeros_like(host)
    low, high = sum(e for e in ends if e < 0), sum(e for e in ends if e > 0)
    memory = np.zeros(high - low + host.itemsize, np.uint8)
    return np.ndarray(host.shape, host.dtype, memory, -low, host.strides)


def _views(result, array):
    """Whether the result is another array in the array's memory: nothing was computed."""
    if isinstance(result, (list, tuple)):
        return any(_views(part, array) for part in result)
    return (
        isinstance(result, np.ndarray)
        and result is not array
        and result.size > 0
        and np.may_share_memory(result, array)
    )


def _launched(function, bare, trial, own):
    """The result of what a graph will compute, which knows only where the arrays are."""
    made = []

    def result_of(part):
        if isinstance(part, (list, tuple)):
            return type(part)(result_of(p) for p in part)
        if id(part) in own:
            return own[id(part)]
        if not isinstance(part, (np.ndarray, np.generic)):
            return part
        made.append(ndarray(part.shape, part.dtype))
        return made[-1]

    result = result_of(trial)
    name = getattr(function, "__name__", type(function).__name__)
    if (trial is not None and not made and not isinstance(result, ndarray)) or "empty" in name:
        return result  # no work for a GPU
    hosts = [a._host for a in made]

    def fresh(part):
        if isinstance(part, (list, tuple)):
            for p in part:
                yield from fresh(p)
        elif isinstance(part, (np.ndarray, np.generic)):
            yield part

    def run():
        with _access(), np.errstate(all="ignore"):
            found = function(*bare[0], **bare[1])
            for host, value in zip(hosts, fresh(found) if hosts else [], strict=True):
                assert host.shape == value.shape
                host[...] = value

    _keep(name, run)
    return result


# The module's functions


def asnumpy(a):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def array(value, dtype=None, copy=True, order="C"):
    """From the host, or of an array here."""
    if isinstance(value, ndarray):
        return _call(functools.partial(np.array, dtype=dtype, order=order), value)
    _wait("copy from memory of the host")
    host = np.array(value, dtype, order=order)
    made = ndarray(host.shape, host.dtype, order="F" if order == "F" else "C")
    with _access():
        made._host[...] = host
    return made


def asarray(value, dtype=None, order=None):
    if isinstance(value, ndarray):
        fits = dtype in (None, value.dtype) and (order is None or value.flags.c_contiguous)
        return value if fits else array(value, dtype)
    if hasattr(value, "__cuda_array_interface__"):
        d = value.__cuda_array_interface__
        memory = _View(value, d["data"][0])
        return ndarray(d["shape"], d["typestr"], memory, d.get("strides"))
    return array(value, dtype)


def from_dlpack(value):
    return asarray(value.array)


def empty(shape, dtype=float, order="C"):
    return ndarray(shape, dtype, order=order)


def __getattr__(name):
    """NumPy's function of that name, of arrays here; what it makes is here."""
    function = getattr(np, name)
    if isinstance(function, (type, types.ModuleType)) or not callable(function):
        return function
    used.add(name)
    return functools.partial(_call, function)
