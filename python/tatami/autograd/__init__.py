"""Gradients of any order over NumPy arrays: tensors, operations and the way back."""

from .backward import grad
from .check import check_grads
from .checkpoint import checkpoint
from .mode import is_grad_enabled, no_grad, set_grad_enabled
from .op import Op
from .tensor import Tensor

__all__ = [
    "Op",
    "Tensor",
    "check_grads",
    "checkpoint",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]

from .. import functional as _functional  # noqa: F401  sets Tensor's operators
