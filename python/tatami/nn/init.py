"""Initial values, written into a tensor in place, from the generator of ``tatami.manual_seed``.

Layers take them by name too (``weight_init="he_normal"``, see :func:`get`), or any function that
fills a tensor.
"""

import math
from functools import wraps

import numpy as np

from .. import random
from .._device import moved
from .allocation import has_memory

__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "get",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def fans(tensor):
    """Inputs and outputs of one unit, for a weight (out, in, *kernel)."""
    if tensor.ndim < 2:
        raise ValueError(f"init: fans need at least 2 axes, got shape {tensor.shape}")
    receptive = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive, tensor.shape[0] * receptive


def _fills(values):
    """The function that writes what ``values(tensor, ...)`` returns into the tensor."""

    @wraps(values)
    def fill(tensor, *args, **kwargs):
        if has_memory():
            value = values(tensor, *args, **kwargs)
            tensor.data[...] = moved(value, tensor.device) if np.ndim(value) else value
            tensor.bump()
        return tensor

    return fill


@_fills
def zeros_(tensor):
    """All 0."""
    return 0


@_fills
def ones_(tensor):
    """All 1."""
    return 1


@_fills
def constant_(tensor, val):
    """All ``val``."""
    return val


@_fills
def eye_(tensor):
    """The identity matrix."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: the tensor must be a matrix, got shape {tensor.shape}")
    return np.eye(*tensor.shape)


@_fills
def uniform_(tensor, a=0.0, b=1.0):
    """Uniform between ``a`` and ``b``."""
    return random.generator().uniform(a, b, tensor.shape)


@_fills
def normal_(tensor, mean=0.0, std=1.0):
    """The normal distribution."""
    return random.generator().normal(mean, std, tensor.shape)


@_fills
def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0):
    """The normal distribution without what falls outside of ``a`` to ``b``."""
    low, high = (math.erf((bound - mean) / (std * math.sqrt(2))) for bound in (a, b))
    if high - low < 0.02:
        raise ValueError(
            f"trunc_normal_: less than 1% of the normal distribution ({mean}, {std}) "
            f"lies between {a} and {b}"
        )
    values = random.generator().normal(mean, std, tensor.shape)
    while (outside := (values < a) | (values > b)).any():
        values[outside] = random.generator().normal(mean, std, np.count_nonzero(outside))
    return values


def calculate_gain(nonlinearity, param=None):
    """The factor that keeps the variance through ``nonlinearity``, as PyTorch has it."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"relu": math.sqrt(2), "tanh": 5 / 3, "selu": 0.75}
    gains |= dict.fromkeys(("linear", "sigmoid", "conv1d", "conv2d"), 1.0)
    gains |= dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), 1.0)
    if nonlinearity not in gains:
        names = ", ".join(sorted([*gains, "leaky_relu"]))
        raise ValueError(f"calculate_gain: unknown nonlinearity {nonlinearity!r}; one of {names}")
    return gains[nonlinearity]


def xavier_uniform_(tensor, gain=1.0):
    """Uniform, variance 2 / (inputs + outputs): Glorot & Bengio, 2010."""
    bound = gain * math.sqrt(6 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor, gain=1.0):
    """Normal, variance 2 / (inputs + outputs): Glorot & Bengio, 2010."""
    return normal_(tensor, 0, gain * math.sqrt(2 / max(sum(fans(tensor)), 1)))


def _kaiming_std(tensor, a, mode, nonlinearity):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu"):
    """Uniform with the variance that ``nonlinearity`` preserves: He et al., 2015."""
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu"):
    """Normal with the variance that ``nonlinearity`` preserves: He et al., 2015."""
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity))


@_fills
def orthogonal_(tensor, gain=1.0):
    """Rows (or columns, the fewer of the two) at right angles: Saxe et al., 2014."""
    fans(tensor)  # at least 2 axes
    rows = tensor.shape[0]
    columns = math.prod(tensor.shape[1:])
    q, r = np.linalg.qr(random.generator().normal(size=sorted((rows, columns), reverse=True)))
    q *= np.where(np.diag(r) < 0, -1, 1)  # so that every such matrix is equally likely
    q = q if rows >= columns else q.T
    return gain * q.reshape(tensor.shape)


def _truncated(tensor):
    return trunc_normal_(tensor, std=0.05, a=-0.1, b=0.1)


_by_name = {
    "zeros": zeros_,
    "ones": ones_,
    "uniform": lambda t: uniform_(t, -0.05, 0.05),
    "normal": lambda t: normal_(t, std=0.05),
    "trunc_normal": _truncated,
    "truncated_normal": _truncated,
    "xavier_uniform": xavier_uniform_,
    "xavier_normal": xavier_normal_,
    "glorot_uniform": xavier_uniform_,
    "glorot_normal": xavier_normal_,
    "kaiming_uniform": kaiming_uniform_,
    "kaiming_normal": kaiming_normal_,
    "he_uniform": kaiming_uniform_,
    "he_normal": kaiming_normal_,
    "orthogonal": orthogonal_,
}


def get(name):
    """The function that a layer's argument names; functions are themselves.

    Names are zeros, ones, xavier_uniform (glorot_uniform), xavier_normal (glorot_normal),
    kaiming_uniform (he_uniform), kaiming_normal (he_normal) and orthogonal; and with Keras' small
    range: uniform (-0.05 to 0.05), normal (0.05), trunc_normal (0.05, up to two deviations).
    """
    if callable(name):
        return name
    if not isinstance(name, str) or name not in _by_name:
        raise ValueError(f"init: unknown initial values {name!r}; one of {', '.join(_by_name)}")
    return _by_name[name]


def known(*names):
    """``names``, each None or one that :func:`get` knows."""
    for name in names:
        if name is not None:
            get(name)
    return names


def linear_(weight, bias, weight_init=None, bias_init=None):
    """PyTorch's initial values of linear and convolution layers, or those asked for."""
    if weight_init is None:
        kaiming_uniform_(weight, a=math.sqrt(5))
    else:
        get(weight_init)(weight)
    if bias is not None:
        bound = 1 / math.sqrt(max(fans(weight)[0], 1))
        (get(bias_init) if bias_init else lambda b: uniform_(b, -bound, bound))(bias)
