"""Activations as layers. ``inplace`` is accepted for PyTorch's sake and changes nothing."""

from .. import functional as F
from . import init as initial
from .allocation import parameter
from .module import Module


class ReLU(Module):
    """max(x, 0)."""

    def __init__(self, inplace=False):
        pass

    def forward(self, x):
        return F.relu(x)


class LeakyReLU(Module):
    """``x`` where ``x > 0``, else ``negative_slope * x``."""

    def __init__(self, negative_slope=0.01, inplace=False):
        self.negative_slope = negative_slope

    def forward(self, x):
        return F.leaky_relu(x, self.negative_slope)


class PReLU(Module):
    """Leaky ReLU whose slope is learnt: one, or one for each channel of axis 1."""

    def __init__(self, num_parameters=1, init=0.25):
        self.init = init
        self.weight = parameter(num_parameters)
        self.reset_parameters()

    def reset_parameters(self):
        initial.constant_(self.weight, self.init)

    def forward(self, x):
        return F.prelu(x, self.weight)


class RReLU(Module):
    """Leaky ReLU whose slope is drawn for each element while training, else the mean slope."""

    def __init__(self, lower=1 / 8, upper=1 / 3, inplace=False):
        if not lower <= upper:
            raise ValueError(f"RReLU: lower must be <= upper, not {lower} and {upper}")
        self.lower = lower
        self.upper = upper

    def forward(self, x):
        return F.rrelu(x, self.lower, self.upper, self.training)


class ELU(Module):
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``."""

    def __init__(self, alpha=1.0, inplace=False):
        self.alpha = alpha

    def forward(self, x):
        return F.elu(x, self.alpha)


class GELU(Module):
    """``x`` times the normal distribution function."""

    def forward(self, x):
        return F.gelu(x)


class SiLU(Module):
    """``x * sigmoid(x)``, also called swish."""

    def __init__(self, inplace=False):
        pass

    def forward(self, x):
        return F.silu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x):
        return F.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x):
        return F.tanh(x)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta."""

    def __init__(self, beta=1.0):
        self.beta = beta

    def forward(self, x):
        return F.softplus(x) if self.beta == 1 else F.softplus(x * self.beta) / self.beta


class Softmax(Module):
    """exp(x) over its sum along ``axis``."""

    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return F.softmax(x, self.axis)


class LogSoftmax(Module):
    """The logarithm of the softmax along ``axis``."""

    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return F.log_softmax(x, self.axis)
