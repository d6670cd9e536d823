"""The names of ``tatami.kernels``, differentiable, and what goes between them.

Arguments are those of the kernels. A function that is given tensors returns a tensor; given arrays
alone, it computes without a tape and returns an array.
"""

from . import operators as _operators  # noqa: F401  sets Tensor's operators
from .activation import elu, gelu, leaky_relu, prelu, relu, rrelu, sigmoid, silu, softplus, tanh
from .arithmetic import add, div, exp, log, mul, neg, pow, sqrt, sub
from .attention import scaled_dot_product_attention
from .conv import (
    conv1d,
    conv1d_input_grad,
    conv1d_weight_grad,
    conv2d,
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose1d,
    conv_transpose2d,
)
from .dropout import dropout
from .embedding import embedding
from .loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
)
from .matmul import linear, matmul
from .norm import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from .pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from .shape import broadcast_to, flatten, mean, reshape, sum, sum_to, transpose
from .similarity import cosine_embedding_loss, cosine_similarity, hinge_embedding_loss
from .softmax import log_softmax, softmax
from .upsample import upsample2d

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "add",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "broadcast_to",
    "conv1d",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "conv2d",
    "conv2d_bias_grad",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "div",
    "dropout",
    "elu",
    "embedding",
    "exp",
    "flatten",
    "gelu",
    "group_norm",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "instance_norm",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max_pool1d",
    "max_pool2d",
    "mean",
    "mse_loss",
    "mul",
    "neg",
    "nll_loss",
    "pow",
    "prelu",
    "relu",
    "reshape",
    "rms_norm",
    "rrelu",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "sqrt",
    "sub",
    "sum",
    "sum_to",
    "tanh",
    "transpose",
    "upsample2d",
]
