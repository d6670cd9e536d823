"""Activations and the softmax family; gradients take the input x, softmax's take the output y."""

import math

import numpy as np

__all__ = [
    "activate",
    "elu",
    "elu_grad",
    "gelu",
    "gelu_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "log_softmax",
    "log_softmax_grad",
    "prelu",
    "prelu_grad",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softmax",
    "softmax_grad",
    "softplus",
    "softplus_grad",
    "tanh",
    "tanh_grad",
]

erfc = np.vectorize(math.erfc, otypes=[np.float64])


def f64(x):
    return np.asarray(x, np.float64)


def relu(x):
    x = f64(x)
    return np.where(x < 0, 0.0, x)


def relu_grad(grad_y, x):
    return np.where(f64(x) <= 0, 0.0, f64(grad_y))


def leaky_relu(x, negative_slope=0.01):
    x = f64(x)
    return np.where(x < 0, negative_slope * x, x)


def leaky_relu_grad(grad_y, x, negative_slope=0.01):
    return np.where(f64(x) > 0, 1.0, negative_slope) * f64(grad_y)


def _along_channels(weight, x):
    weight = f64(weight)
    return weight if weight.size == 1 else weight.reshape((-1,) + (1,) * (x.ndim - 2))


def prelu(x, weight):
    x = f64(x)
    return np.where(x < 0, _along_channels(weight, x) * x, x)


def prelu_grad(grad_y, x, weight):
    grad_y, x = f64(grad_y), f64(x)
    grad_x = np.where(x > 0, grad_y, _along_channels(weight, x) * grad_y)
    terms = np.where(x > 0, 0.0, x * grad_y)
    if np.size(weight) == 1:
        return grad_x, terms.sum().reshape(1)
    return grad_x, terms.sum(axis=tuple(a for a in range(x.ndim) if a != 1))


def elu(x, alpha=1.0):
    x = f64(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_grad(grad_y, x, alpha=1.0):
    x = f64(x)
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))) * f64(grad_y)


def _normal_cdf(x):
    return 0.5 * erfc(-x / math.sqrt(2)) if x.size else x


def gelu(x):
    x = f64(x)
    return np.where(x == -np.inf, 0.0, x * _normal_cdf(x))


def gelu_grad(grad_y, x):
    x = f64(x)
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return (_normal_cdf(x) + np.where(np.isinf(x), 0.0, x * density)) * f64(grad_y)


def sigmoid(x):
    x = f64(x)
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1.0) / (1 + small)


def sigmoid_grad(grad_y, x):
    return sigmoid(x) * sigmoid(-f64(x)) * f64(grad_y)


def silu(x):
    return f64(x) * sigmoid(x)


def silu_grad(grad_y, x):
    s = sigmoid(x)
    return (s + f64(x) * s * sigmoid(-f64(x))) * f64(grad_y)


def tanh(x):
    return np.tanh(f64(x))


def tanh_grad(grad_y, x):
    return 4 * sigmoid(2 * f64(x)) * sigmoid(-2 * f64(x)) * f64(grad_y)


def softplus(x):
    return np.logaddexp(0.0, f64(x))


def softplus_grad(grad_y, x):
    return sigmoid(x) * f64(grad_y)


def _shifted(x, axis):
    """x minus its maximum along axis; a row of -inf stays -inf and gives NaN only in softmax."""
    return x - x.max(axis=axis, keepdims=True, initial=-np.inf)


def softmax(x, axis=-1):
    e = np.exp(_shifted(f64(x), axis))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_grad(grad_y, y, axis=-1):
    grad_y, y = f64(grad_y), f64(y)
    return y * (grad_y - (grad_y * y).sum(axis=axis, keepdims=True))


def log_softmax(x, axis=-1):
    d = _shifted(f64(x), axis)
    return d - np.log(np.exp(d).sum(axis=axis, keepdims=True))


def log_softmax_grad(grad_y, y, axis=-1):
    grad_y, y = f64(grad_y), f64(y)
    return grad_y - np.exp(y) * grad_y.sum(axis=axis, keepdims=True)


FUSED = {
    "relu": relu,
    "leaky_relu": leaky_relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "gelu": gelu,
    "silu": silu,
}


def activate(x, name):
    """The activation that matmul, linear and the convolutions fuse after the bias."""
    return x if name is None else FUSED[name](x)
