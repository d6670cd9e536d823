"""Fully connected layers and what leads into them."""

from numpy.lib.array_utils import normalize_axis_index

from .. import functional as F
from . import init
from .allocation import parameter
from .lazy import Lazy, require
from .module import Module


class Linear(Lazy):
    """``x @ weight.T + bias``: (..., in_features) -> (..., out_features).

    ``in_features`` may be left out: ``Linear(None, 64)`` or ``Linear(out_features=64)``.
    ``weight_init`` and ``bias_init`` are names or functions, see :func:`tatami.nn.init.get`.
    """

    size_name, size_axis = "in_features", -1

    def __init__(
        self, in_features=None, out_features=None, bias=True, *, weight_init=None, bias_init=None
    ):
        require("Linear", out_features=out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.use_bias = bias
        self.weight_init, self.bias_init = init.known(weight_init, bias_init)
        self.make()

    def make_parameters(self):
        self.weight = parameter(self.out_features, self.in_features)
        self.bias = parameter(self.out_features) if self.use_bias else None

    def reset_parameters(self):
        """Draw new initial values."""
        init.linear_(self.weight, self.bias, self.weight_init, self.bias_init)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

    def multiply_adds(self, x, y):
        return y.size * self.in_features


class Dense(Linear):
    """:class:`Linear` by Keras' arguments: ``Dense(64, activation="relu")``.

    The input size is always found at the first call. ``activation`` is a name that
    :func:`tatami.functional.linear` knows. Initial values are Keras'.
    """

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        *,
        in_features=None,
    ):
        self.activation = activation
        how = {"weight_init": kernel_initializer, "bias_init": bias_initializer}
        super().__init__(in_features, units, use_bias, **how)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias, activation=self.activation)


class Flatten(Module):
    """Axes ``start_dim`` to ``end_dim`` as one; by default all but the batch."""

    def __init__(self, start_dim=1, end_dim=-1):
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x):
        return F.flatten(x, self.start_dim, self.end_dim)


class Unflatten(Module):
    """Axis ``dim`` as several, of ``unflattened_size``: what :class:`Flatten` takes back.

    >>> nn.Unflatten(1, (2, 3))(Tensor(numpy.zeros((5, 6)))).shape
    (5, 2, 3)
    """

    def __init__(self, dim, unflattened_size):
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, x):
        dim = normalize_axis_index(self.dim, x.ndim, "Unflatten")
        return F.reshape(x, (*x.shape[:dim], *self.unflattened_size, *x.shape[dim + 1 :]))


class Identity(Module):
    """``x`` as it is; any arguments of the constructor are ignored."""

    def __init__(self, *args, **kwargs):
        pass

    def forward(self, x):
        return x

    def arguments(self):
        return {}
