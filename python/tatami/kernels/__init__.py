"""The raw API: arrays in, arrays out, no state.

Sizes in the docstrings: N batch, C channels in, O channels out, T time steps, I input features,
H hidden features (or height, with W). All arrays of a call share one dtype, float32 or float64.
Any NumPy layout is accepted; what is not contiguous is copied once (``matmul`` and ``linear`` read
transposed views in place). Results are new C-contiguous arrays unless ``out=`` is given, which
must fit exactly. Shapes and values that do not fit raise ``ValueError``, dtypes and kinds of array
``TypeError``, and nothing is written then.
"""

from .activation import (
    elu,
    elu_grad,
    gelu,
    gelu_grad,
    leaky_relu,
    leaky_relu_grad,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    silu,
    silu_grad,
    softplus,
    softplus_grad,
    tanh,
    tanh_grad,
from .activation import leaky_relu, leaky_relu_grad, relu, relu_grad
from .conv import (
    conv1d,
    conv1d_input_grad,
    conv1d_weight_grad,
    conv2d,
    conv2d_bias_grad,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_transpose1d,
    conv_transpose1d_input_grad,
    conv_transpose1d_weight_grad,
    conv_transpose2d,
    conv_transpose2d_input_grad,
    conv_transpose2d_weight_grad,
)
from .matmul import linear, matmul
from .optim import adadelta_step, adagrad_step, adam_step, adamw_step, rmsprop_step, sgd_step

__all__ = [
    "adadelta_step",
    "adagrad_step",
    "adam_step",
    "adamw_step",
    "conv1d",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "conv2d",
    "conv2d_bias_grad",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv_transpose1d",
    "conv_transpose1d_input_grad",
    "conv_transpose1d_weight_grad",
    "conv_transpose2d",
    "conv_transpose2d_input_grad",
    "conv_transpose2d_weight_grad",
    "elu",
    "elu_grad",
    "gelu",
    "gelu_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "linear",
    "matmul",
    "relu",
    "relu_grad",
    "rmsprop_step",
    "sgd_step",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softplus",
    "softplus_grad",
    "tanh",
    "tanh_grad",
]
