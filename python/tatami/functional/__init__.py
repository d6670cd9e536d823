"""The names of ``tatami.kernels``, differentiable, and what goes between them.

Arguments are those of the kernels. A function that is given tensors returns a tensor; given arrays
alone, it computes without a tape and returns an array.
"""

from . import operators as _operators  # noqa: F401  sets Tensor's operators
from .activation import gelu, leaky_relu, relu, sigmoid, silu, tanh
from .arithmetic import add, div, exp, log, mul, neg, pow, sqrt, sub
from .conv import (
    conv2d,
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose2d,
)
from .matmul import linear, matmul
from .norm import batch_norm
from .pool import avg_pool2d, max_pool2d
from .shape import broadcast_to, flatten, mean, reshape, sum, sum_to, transpose

__all__ = [
    "add",
    "avg_pool2d",
    "batch_norm",
    "broadcast_to",
    "conv2d",
    "conv2d_bias_grad",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv_transpose2d",
    "div",
    "exp",
    "flatten",
    "gelu",
    "leaky_relu",
    "linear",
    "log",
    "matmul",
    "max_pool2d",
    "mean",
    "mul",
    "neg",
    "pow",
    "relu",
    "reshape",
    "sigmoid",
    "silu",
    "sqrt",
    "sub",
    "sum",
    "sum_to",
    "tanh",
    "transpose",
]
