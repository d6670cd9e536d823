"""One step of a recurrent layer: (N, input_size) and the state to the next state."""

import numpy as np

from .. import functional as F
from ..autograd.tensor import array_of
from .allocation import parameter
from .lazy import Lazy, require
from .recurrent import pair, reset


class _Cell(Lazy):
    size_name, size_axis = "input_size", -1
    gates = 1

    def __init__(self, input_size=None, hidden_size=None, bias=True):
        require(type(self).__name__, hidden_size=hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.use_bias = bias
        self.make()

    def make_parameters(self):
        rows = self.gates * self.hidden_size
        self.weight_ih = parameter(rows, self.input_size)
        self.weight_hh = parameter(rows, self.hidden_size)
        self.bias_ih = parameter(rows) if self.use_bias else None
        self.bias_hh = parameter(rows) if self.use_bias else None

    def reset_parameters(self):
        """Draw new initial values, PyTorch's."""
        reset(self.named_parameters(), self.hidden_size, None, None, None)

    def weights(self):
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def zeros(self, x):
        """The state before the first step."""
        return np.zeros((x.shape[0], self.hidden_size), x.dtype, like=array_of(x))

    def multiply_adds(self, x, y):
        return x.shape[0] * (self.weight_ih.size + self.weight_hh.size)


class RNNCell(_Cell):
    """h = nonlinearity(w_ih x + b_ih + w_hh h + b_hh), "tanh" or "relu"; h starts with zeros."""

    def __init__(self, input_size=None, hidden_size=None, bias=True, nonlinearity="tanh"):
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias)

    def forward(self, x, hx=None):
        h = self.zeros(x) if hx is None else hx
        return F.rnn_cell(x, h, *self.weights(), activation=self.nonlinearity)


class LSTMCell(_Cell):
    """One step of :class:`LSTM`: (h, c) to the next (h, c), both zeros at first."""

    gates = 4

    def forward(self, x, hx=None):
        h, c = (self.zeros(x), self.zeros(x)) if hx is None else pair("LSTMCell", hx)
        return F.lstm_cell(x, h, c, *self.weights())


class GRUCell(_Cell):
    """One step of :class:`GRU`: h to the next h, zeros at first."""

    gates = 3

    def forward(self, x, hx=None):
        return F.gru_cell(x, self.zeros(x) if hx is None else hx, *self.weights())
