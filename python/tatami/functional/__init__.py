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
from .dropout import dropout
from .loss import cross_entropy, mse_loss
from .matmul import linear, matmul
from .norm import batch_norm
from .pool import avg_pool2d, max_pool2d
from .shape import broadcast_to, flatten, mean, reshape, sum, sum_to, transpose
from .softmax import log_softmax, softmax

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
    "cross_entropy",
    "div",
    "dropout",
    "exp",
    "flatten",
    "gelu",
    "leaky_relu",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max_pool2d",
    "mean",
    "mse_loss",
    "mul",
    "neg",
    "pow",
    "relu",
    "reshape",
    "sigmoid",
    "silu",
    "softmax",
    "sqrt",
    "sub",
    "sum",
    "sum_to",
    "tanh",
    "transpose",
]
