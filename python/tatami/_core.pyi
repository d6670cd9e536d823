"""The extension: what tatami.kernels and its neighbours call. Private; arguments by position only.

Array is float32 or float64, one dtype a call. See tatami.kernels for what each function does.
"""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias, TypedDict, final

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
Arrays: TypeAlias = Sequence[Array]
Indices: TypeAlias = NDArray[np.int64]
Integers: TypeAlias = NDArray[np.integer[Any]]
Mask: TypeAlias = NDArray[np.bool_]
Shape: TypeAlias = Sequence[int]
Ints: TypeAlias = int | Sequence[int]
Padding: TypeAlias = Ints | Sequence[Sequence[int]] | str

@final
class NormCache: ...

@final
class RecurrentCache: ...

class _MemoryStats(TypedDict):
    in_use: int
    cached: int
    peak: int
    limit: int
    hits: int
    misses: int

# ---- the machine

def isa() -> str: ...
def isas() -> list[str]: ...
def set_isa(name: str, /) -> None: ...
def cuda_problem() -> str: ...
def num_threads() -> int: ...
def set_num_threads(n: int, /) -> None: ...
def exchange_thread_override(n: int, /) -> int: ...
def exchange_exact(exact: bool, /) -> bool: ...
def exchange_tf32(on: bool, /) -> bool: ...
def memory_stats() -> _MemoryStats: ...
def memory_release() -> None: ...
def memory_set_limit(nbytes: int, /) -> None: ...
def fma_peak(seconds: float, /) -> float: ...
def copy_bandwidth(nbytes: int, streamed: bool, /) -> float: ...

# ---- products

def matmul(
    a: Array, b: Array, bias: Array | None, activation: str | None, out: Array | None, /
) -> Array: ...
def linear(
    x: Array, weight: Array, bias: Array | None, activation: str | None, out: Array | None, /
) -> Array: ...

# ---- convolutions
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    activation: str | None,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv2d_input_grad(
    grad_y: Array,
    weight: Array,
    input_shape: Shape,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv2d_weight_grad(
    grad_y: Array,
    x: Array,
    weight_shape: Shape,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    activation: str | None,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv_transpose2d_input_grad(
    grad_y: Array,
    weight: Array,
    input_shape: Shape,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv_transpose2d_weight_grad(
    grad_y: Array,
    x: Array,
    weight_shape: Shape,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv1d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    activation: str | None,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv1d_input_grad(
    grad_y: Array,
    weight: Array,
    input_shape: Shape,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv1d_weight_grad(
    grad_y: Array,
    x: Array,
    weight_shape: Shape,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv_transpose1d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    activation: str | None,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv_transpose1d_input_grad(
    grad_y: Array,
    weight: Array,
    input_shape: Shape,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv_transpose1d_weight_grad(
    grad_y: Array,
    x: Array,
    weight_shape: Shape,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    out: Array | None,
    exact: bool,
    /,
) -> Array: ...
def conv2d_bias_grad(grad_y: Array, /) -> Array: ...
def pooled_conv2d_pays(
    x: Array,
    weight: Array,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    weight_grad: bool,
    input_grad: bool,
    /,
) -> bool: ...
def pooled_conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    relu: bool,
    return_choice: bool,
    /,
) -> Array | tuple[Array, Indices]: ...
def pooled_conv2d_input_grad(
    grad_y: Array,
    choice: Indices,
    weight: Array,
    input_shape: Shape,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    /,
) -> Array: ...
def pooled_conv2d_weight_grad(
    grad_y: Array,
    choice: Indices,
    x: Array,
    weight_shape: Shape,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    /,
) -> tuple[Array, Array]: ...

# ---- pooling and upsampling

def max_pool2d(
    x: Array,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Padding,
    dilation: Ints,
    ceil_mode: bool,
    return_indices: bool,
    /,
) -> Array | tuple[Array, Indices]: ...
def max_pool2d_grad(
    grad_y: Array,
    indices: Integers,
    input_shape: Shape,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Padding,
    dilation: Ints,
    ceil_mode: bool,
    /,
) -> Array: ...
def avg_pool2d(
    x: Array,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Padding,
    ceil_mode: bool,
    count_include_pad: bool,
    dilation: Ints,
    /,
) -> Array: ...
def avg_pool2d_grad(
    grad_y: Array,
    input_shape: Shape,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Padding,
    ceil_mode: bool,
    count_include_pad: bool,
    dilation: Ints,
    /,
) -> Array: ...
def adaptive_max_pool2d(
    x: Array, output_size: Ints, return_indices: bool, /
) -> Array | tuple[Array, Indices]: ...
def adaptive_max_pool2d_grad(grad_y: Array, indices: Integers, input_shape: Shape, /) -> Array: ...
def adaptive_avg_pool2d(x: Array, output_size: Ints, /) -> Array: ...
def adaptive_avg_pool2d_grad(grad_y: Array, input_shape: Shape, /) -> Array: ...
def upsample2d(x: Array, scale: Ints, mode: str, /) -> Array: ...
def upsample2d_grad(grad_y: Array, input_shape: Shape, scale: Ints, mode: str, /) -> Array: ...
def grid_sample(
    x: Array, grid: Array, mode: str, padding_mode: str, align_corners: bool, /
) -> Array: ...
def grid_sample_grad(
    grad_y: Array,
    x: Array,
    grid: Array,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    /,
) -> tuple[Array, Array]: ...

# ---- recurrent layers

def lstm_cell(
    x: Array,
    h: Array,
    c: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    /,
) -> tuple[Array, Array]: ...
def gru_cell(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, /
) -> Array: ...
def rnn_cell(
    x: Array,
    h: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    activation: str,
    /,
) -> Array: ...
def lstm(
    x: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    h0: Array | None,
    c0: Array | None,
    lengths: Integers | None,
    reverse: bool,
    return_cache: bool,
    /,
) -> tuple[Any, ...]: ...
def gru(
    x: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    h0: Array | None,
    lengths: Integers | None,
    reverse: bool,
    reset_after: bool,
    return_cache: bool,
    /,
) -> tuple[Any, ...]: ...
def rnn(
    x: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
    h0: Array | None,
    lengths: Integers | None,
    reverse: bool,
    activation: str,
    return_cache: bool,
    /,
) -> tuple[Any, ...]: ...
def lstm_grad(
    grad_y: Array | None, grad_h_n: Array | None, grad_c_n: Array | None, cache: RecurrentCache, /
) -> tuple[Array, Array, Array, Array | None, Array | None, Array, Array]: ...
def gru_grad(
    grad_y: Array | None, grad_h_n: Array | None, cache: RecurrentCache, /
) -> tuple[Array, Array, Array, Array | None, Array | None, Array]: ...
def rnn_grad(
    grad_y: Array | None, grad_h_n: Array | None, cache: RecurrentCache, /
) -> tuple[Array, Array, Array, Array | None, Array | None, Array]: ...

# ---- normalisations

def batch_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None,
    bias: Array | None,
    training: bool,
    momentum: float,
    eps: float,
    residual: Array | None,
    activation: str | None,
    negative_slope: float,
    return_cache: bool,
    /,
) -> Array | tuple[Array, NormCache]: ...
def instance_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None,
    bias: Array | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    return_cache: bool,
    /,
) -> Array | tuple[Array, NormCache]: ...
def group_norm(
    x: Array,
    num_groups: int,
    weight: Array | None,
    bias: Array | None,
    eps: float,
    return_cache: bool,
    /,
) -> Array | tuple[Array, NormCache]: ...
def layer_norm(
    x: Array,
    normalized_shape: Ints,
    weight: Array | None,
    bias: Array | None,
    eps: float,
    return_cache: bool,
    /,
) -> Array | tuple[Array, NormCache]: ...
def rms_norm(
    x: Array, normalized_shape: Ints, weight: Array | None, eps: float, return_cache: bool, /
) -> Array | tuple[Array, NormCache]: ...
def batch_norm_grad(
    grad_y: Array, cache: NormCache, /
) -> tuple[Array, Array | None, Array | None]: ...
def instance_norm_grad(
    grad_y: Array, cache: NormCache, /
) -> tuple[Array, Array | None, Array | None]: ...
def group_norm_grad(
    grad_y: Array, cache: NormCache, /
) -> tuple[Array, Array | None, Array | None]: ...
def layer_norm_grad(
    grad_y: Array, cache: NormCache, /
) -> tuple[Array, Array | None, Array | None]: ...
def rms_norm_grad(
    grad_y: Array, cache: NormCache, /
) -> tuple[Array, Array | None, Array | None]: ...

# ---- activations and softmax

def relu(x: Array, out: Array | None, /) -> Array: ...
def relu_grad(grad_y: Array, x: Array, /) -> Array: ...
def sigmoid(x: Array, out: Array | None, /) -> Array: ...
def sigmoid_grad(grad_y: Array, x: Array, /) -> Array: ...
def tanh(x: Array, out: Array | None, /) -> Array: ...
def tanh_grad(grad_y: Array, x: Array, /) -> Array: ...
def gelu(x: Array, out: Array | None, /) -> Array: ...
def gelu_grad(grad_y: Array, x: Array, /) -> Array: ...
def silu(x: Array, out: Array | None, /) -> Array: ...
def silu_grad(grad_y: Array, x: Array, /) -> Array: ...
def softplus(x: Array, out: Array | None, /) -> Array: ...
def softplus_grad(grad_y: Array, x: Array, /) -> Array: ...
def elu(x: Array, alpha: float, out: Array | None, /) -> Array: ...
def elu_grad(grad_y: Array, x: Array, alpha: float, /) -> Array: ...
def leaky_relu(x: Array, negative_slope: float, out: Array | None, /) -> Array: ...
def leaky_relu_grad(grad_y: Array, x: Array, negative_slope: float, /) -> Array: ...
def prelu(x: Array, weight: Array, out: Array | None, /) -> Array: ...
def prelu_grad(grad_y: Array, x: Array, weight: Array, /) -> tuple[Array, Array]: ...
def softmax(x: Array, axis: int, out: Array | None, /) -> Array: ...
def softmax_grad(grad_y: Array, y: Array, axis: int, /) -> Array: ...
def log_softmax(x: Array, axis: int, out: Array | None, /) -> Array: ...
def log_softmax_grad(grad_y: Array, y: Array, axis: int, /) -> Array: ...

# ---- losses

def cross_entropy(
    logits: Array,
    target: Array | Integers,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    /,
) -> Array: ...
def cross_entropy_grad(
    grad_y: Array | float,
    logits: Array,
    target: Array | Integers,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
    /,
) -> Array: ...
def binary_cross_entropy_with_logits(
    logits: Array,
    target: Array,
    weight: Array | None,
    reduction: str,
    pos_weight: Array | float | None,
    /,
) -> Array: ...
def binary_cross_entropy_with_logits_grad(
    grad_y: Array | float,
    logits: Array,
    target: Array,
    weight: Array | None,
    reduction: str,
    pos_weight: Array | float | None,
    /,
) -> Array: ...
def mse_loss(input: Array, target: Array, reduction: str, /) -> Array: ...
def mse_loss_grad(
    grad_y: Array | float, input: Array, target: Array, reduction: str, /
) -> Array: ...
def l1_loss(input: Array, target: Array, reduction: str, /) -> Array: ...
def l1_loss_grad(
    grad_y: Array | float, input: Array, target: Array, reduction: str, /
) -> Array: ...
def huber_loss(input: Array, target: Array, reduction: str, delta: float, /) -> Array: ...
def huber_loss_grad(
    grad_y: Array | float, input: Array, target: Array, reduction: str, delta: float, /
) -> Array: ...

# ---- embedding, dropout and noise

def embedding(indices: Integers, weight: Array, /) -> Array: ...
def embedding_grad(grad_y: Array, indices: Integers, weight_shape: Shape, /) -> Array: ...
def dropout(x: Array, p: float, seed: int, /) -> tuple[Array, Mask]: ...
def dropout_grad(grad_y: Array, mask: Mask, p: float, /) -> Array: ...
def reparameterize(mean: Array, log_variance: Array, seed: int, /) -> Array: ...
def reparameterize_grad(grad_z: Array, log_variance: Array, seed: int, /) -> Array: ...

# ---- optimizer steps

def sgd_step(
    params: Arrays,
    grads: Arrays,
    momentum_buffers: Arrays | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    /,
) -> None: ...
def adagrad_step(
    params: Arrays,
    grads: Arrays,
    state_sums: Arrays,
    lr: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
    /,
) -> None: ...
def adadelta_step(
    params: Arrays,
    grads: Arrays,
    square_avgs: Arrays,
    acc_deltas: Arrays,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
    /,
) -> None: ...
def rmsprop_step(
    params: Arrays,
    grads: Arrays,
    square_avgs: Arrays,
    momentum_buffers: Arrays | None,
    grad_avgs: Arrays | None,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
    weight_decay: float,
    maximize: bool,
    /,
) -> None: ...
def adam_step(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    max_exp_avg_sqs: Arrays | None,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    maximize: bool,
    /,
) -> None: ...
def adamw_step(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    max_exp_avg_sqs: Arrays | None,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    maximize: bool,
    /,
) -> None: ...
def adamax_step(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_infs: Arrays,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    maximize: bool,
    /,
) -> None: ...
def nadam_step(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    step: int,
    mu_product: float,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
    /,
) -> float: ...
def ema_step(averages: Arrays, params: Arrays, decay: float, /) -> None: ...
def global_norm(arrays: Arrays, /) -> Any: ...
def scale_all(arrays: Arrays, factor: Any, /) -> None: ...
def clip_all(arrays: Arrays, limit: float, /) -> None: ...

# ---- the tape: see tatami.autograd

class Tensor:
    data: Any
    grad: Any
    requires_grad: bool
    @property
    def is_leaf(self) -> bool: ...
    @property
    def version(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def bump(self) -> None: ...
    def detach(self) -> Any: ...

@final
class Op:
    name: str
    def __new__(
        cls,
        name: str,
        raw: Callable[..., Any],
        rules: tuple[Callable[..., Any], ...],
        each: Callable[..., Any] | None,
        joint: Callable[..., Any] | None,
        composed: Callable[..., Any] | None,
        unbroadcast: Callable[..., Any] | None,
        reads: tuple[int, ...],
        outputs: int,
        view: bool,
    ) -> Op: ...
    def __call__(self, *args: Any, **settings: Any) -> Any: ...

@final
class Node: ...

@final
class Like:
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...

def set_result_type(type: type[Tensor], /) -> None: ...
def is_recording() -> bool: ...
def exchange_recording(flag: bool, /) -> bool: ...
def propagate(
    outputs: Sequence[Tensor],
    starts: Sequence[Any],
    inputs: Sequence[Tensor] | None,
    retain_graph: bool,
    create_graph: bool,
    stop: bool,
    by_composition: Callable[..., Any],
    /,
) -> list[Any]: ...
def leaves(outputs: Sequence[Tensor], /) -> list[Tensor]: ...

# ---- captured steps: see tatami.capture

class Recording:
    op: str
    @property
    def length(self) -> int: ...
    def start(self) -> None: ...
    def stop(self, whole: bool, /) -> None: ...
    def seed(self, draw: Callable[[], int], /) -> int: ...
    def mode(self, module: Any, /) -> None: ...
    def kept(self, array: Any, /) -> Any: ...
    def made(self, array: Any, /) -> bool: ...
    def mark(self, array: Any, /) -> None: ...
    def finish(self, inputs: list[Any], outputs: list[Any], /) -> None: ...
    def difference(self, other: Recording, /) -> str | None: ...
    def fits(self) -> bool: ...
    def replay(self, inputs: list[Any], /) -> list[Any]: ...

class HostRecording(Recording):
    def __init__(self, arena: Any, /) -> None: ...
    def call(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        target: Any,
        /,
    ) -> None: ...
    def adopt(self, fresh: np.ndarray, /) -> Any: ...
    def constant(self, array: np.ndarray, /) -> np.ndarray | None: ...

class GraphRecording(Recording):
    def __init__(self, place: Any, /) -> None: ...
    def add_block(self, block: int, /) -> None: ...
    def refuse(self) -> NoReturn: ...

class Makers: ...

def arena() -> Any: ...
def live(f: Callable[[], Any], /) -> Any: ...
def recording() -> Recording | None: ...
def set_traced_type(type: type[np.ndarray], /) -> None: ...
