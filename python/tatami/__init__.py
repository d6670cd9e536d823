"""Deep-learning kernels in C++, forward and backward, called straight on NumPy arrays."""

from importlib import import_module as _import_module

from . import kernels, memory
from ._core import isa
from ._exact import exact
from ._tf32 import tf32
from ._threads import get_num_threads, set_num_threads, threads

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "exact",
    "get_num_threads",
    "isa",
    "kernels",
    "memory",
    "set_num_threads",
    "tf32",
    "threads",
]

# What lies above the raw API loads when it is first used: name -> where it lives.
_lazy = {
    **dict.fromkeys(("autograd", "data", "functional", "metrics", "models", "nn", "optim")),
    **dict.fromkeys(("random", "sklearn", "training", "viz")),
    **dict.fromkeys(("Tensor", "check_grads", "grad", "no_grad"), "autograd"),
    "jit": "capture",
    "manual_seed": "random",
}


def __getattr__(name):
    if name not in _lazy:
        raise AttributeError(f"module 'tatami' has no attribute {name!r}")
    module = _import_module(f"{__name__}.{_lazy[name] or name}")
    value = getattr(module, name) if _lazy[name] else module
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_lazy})
