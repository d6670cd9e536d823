"""Deep-learning kernels in C++, forward and backward, called straight on NumPy arrays."""

from . import kernels, memory
from ._core import isa
from ._threads import get_num_threads, set_num_threads, threads

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "get_num_threads",
    "isa",
    "kernels",
    "memory",
    "set_num_threads",
    "threads",
]
