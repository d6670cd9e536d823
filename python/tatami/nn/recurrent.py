"""Recurrent layers, stacked and in both directions: (T, N, features) in and out."""

import math

from .. import functional as F
from . import init
from .allocation import parameter
from .lazy import Lazy, require


class _Recurrent(Lazy):
    """Layers of cells; a subclass says how many ``gates`` a cell has and runs one layer.

    x is (T, N, input_size), or (N, T, input_size) with ``batch_first``, or (T, input_size)
    without a batch. Initial and final states are (num_layers * directions, N, hidden_size), in
    the order layer 0 forward, layer 0 reverse, layer 1 forward, ...; None starts with zeros.

    ``return_sequences`` is Keras': None returns y and the final state as PyTorch does, True y
    alone, False the last layer's final h alone, (N, directions * hidden_size); so that the layer
    can stand in a Sequential.

    ``lengths`` (N,) takes the place of PyTorch's packed sequences: rows may end early. Past a
    row's end y is 0, the final state is the one at its end, and the reverse direction starts
    there. So ``layer(x, lengths=lengths)`` is what ``pack_padded_sequence(x, lengths,
    enforce_sorted=False)``, the layer and ``pad_packed_sequence`` give there.
    """

    size_name, size_axis = "input_size", -1
    gates = 1

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers,
        bias,
        batch_first,
        dropout,
        bidirectional,
        return_sequences,
        inits,
        **how,
    ):
        name = type(self).__name__
        require(name, hidden_size=hidden_size)
        if num_layers < 1:
            raise ValueError(f"{name}: num_layers must be at least 1, not {num_layers}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout must lie between 0 and 1, not {dropout}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.use_bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.return_sequences = return_sequences
        self.directions = ("", "_reverse") if bidirectional else ("",)
        self.weight_init, self.recurrent_init, self.bias_init = init.known(*inits)
        vars(self).update(how)
        self.make()

    def make_parameters(self):
        size, rows = self.input_size, self.gates * self.hidden_size
        for layer in range(self.num_layers):
            for direction in self.directions:
                place = f"l{layer}{direction}"
                setattr(self, f"weight_ih_{place}", parameter(rows, size))
                setattr(self, f"weight_hh_{place}", parameter(rows, self.hidden_size))
                if self.use_bias:
                    setattr(self, f"bias_ih_{place}", parameter(rows))
                    setattr(self, f"bias_hh_{place}", parameter(rows))
            size = self.hidden_size * len(self.directions)

    def reset_parameters(self):
        """Draw new initial values: PyTorch's, or those asked for."""
        inits = (self.weight_init, self.recurrent_init, self.bias_init)
        reset(self.named_parameters(), self.hidden_size, *inits)

    def weights(self, place):
        """w_ih, w_hh, b_ih and b_hh of one layer and direction."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self, f"{name}_{place}", None) for name in names]

    def run(self, x, states, lengths):
        """y, and the final states one after the other; ``states`` are the initial ones."""
        self._check(x, states)
        batched = x.ndim == 3
        if not batched:
            x, states = F.expand_dims(x, 1), [F.expand_dims(s, 1) for s in states]
        elif self.batch_first:
            x = F.swapaxes(x, 0, 1)
        y, states = self._layers(x, states, lengths)
        if not batched:
            return F.squeeze(y, 1), [F.squeeze(s, 1) for s in states]
        return (F.swapaxes(y, 0, 1) if self.batch_first else y), states

    def _layers(self, x, states, lengths):
        finals = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for direction in self.directions:
                start = [s[len(finals)] for s in states]
                how = {"lengths": lengths, "reverse": bool(direction)}
                y, *final = self.layer(x, *self.weights(f"l{layer}{direction}"), *start, **how)
                outputs.append(y)
                finals.append(final)
            x = outputs[0] if len(outputs) == 1 else F.concatenate(outputs, -1)
        return x, [F.stack(kind) for kind in zip(*finals, strict=True)]

    def returned(self, y, h, states):
        """What ``return_sequences`` asks for."""
        if self.return_sequences is None:
            return y, states
        if self.return_sequences:
            return y
        return F.concatenate([h[k] for k in range(-len(self.directions), 0)], -1)

    def _check(self, x, states):
        name = type(self).__name__
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: x must have 3 axes (2 without a batch), the last of size "
                f"{self.input_size}, got shape {x.shape}"
            )
        rows = x.shape[1 - self.batch_first : 2 - self.batch_first] if x.ndim == 3 else ()
        fits = (self.num_layers * len(self.directions), *rows, self.hidden_size)
        for state in states:
            if state.shape != fits:
                raise ValueError(
                    f"{name}: an initial state has shape {state.shape} but x of shape {x.shape} "
                    f"asks for {fits}"
                )

    def multiply_adds(self, x, y):
        weights = sum(p.size for p in self.parameters() if p.ndim == 2)
        return x.size // self.input_size * weights


class RNN(_Recurrent):
    """h = nonlinearity(w_ih x + b_ih + w_hh h + b_hh), "tanh" or "relu": y, h_n.

    ``input_size`` may be left out (None).
    """

    def __init__(
        self,
        input_size=None,
        hidden_size=None,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        *,
        return_sequences=None,
        weight_init=None,
        recurrent_init=None,
        bias_init=None,
    ):
        how = (num_layers, bias, batch_first, dropout, bidirectional, return_sequences)
        inits = (weight_init, recurrent_init, bias_init)
        super().__init__(input_size, hidden_size, *how, inits, nonlinearity=nonlinearity)

    __doc__ += _Recurrent.__doc__.partition("\n")[2]

    def layer(self, *args, **how):
        return F.rnn(*args, activation=self.nonlinearity, **how)

    def forward(self, x, hx=None, *, lengths=None):
        y, (h,) = self.run(x, [] if hx is None else [hx], lengths)
        return self.returned(y, h, h)


class LSTM(_Recurrent):
    """Long short-term memory (gates i f g o): y, (h_n, c_n).

    ``input_size`` may be left out (None). The initial state is a pair (h_0, c_0).
    """

    gates = 4

    def __init__(
        self,
        input_size=None,
        hidden_size=None,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        *,
        return_sequences=None,
        weight_init=None,
        recurrent_init=None,
        bias_init=None,
    ):
        how = (num_layers, bias, batch_first, dropout, bidirectional, return_sequences)
        inits = (weight_init, recurrent_init, bias_init)
        super().__init__(input_size, hidden_size, *how, inits)

    __doc__ += _Recurrent.__doc__.partition("\n")[2]

    def layer(self, *args, **how):
        return F.lstm(*args, **how)

    def forward(self, x, hx=None, *, lengths=None):
        y, (h, c) = self.run(x, [] if hx is None else pair("LSTM", hx), lengths)
        return self.returned(y, h, (h, c))


class GRU(_Recurrent):
    """Gated recurrent unit (gates r z n): y, h_n.

    ``input_size`` may be left out (None). ``reset_after=False`` is the form of the first paper,
    where the reset gate acts before the recurrent product; PyTorch has the other alone.
    """

    gates = 3

    def __init__(
        self,
        input_size=None,
        hidden_size=None,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        *,
        reset_after=True,
        return_sequences=None,
        weight_init=None,
        recurrent_init=None,
        bias_init=None,
    ):
        how = (num_layers, bias, batch_first, dropout, bidirectional, return_sequences)
        inits = (weight_init, recurrent_init, bias_init)
        super().__init__(input_size, hidden_size, *how, inits, reset_after=reset_after)

    __doc__ += _Recurrent.__doc__.partition("\n")[2]

    def layer(self, *args, **how):
        return F.gru(*args, reset_after=self.reset_after, **how)

    def forward(self, x, hx=None, *, lengths=None):
        y, (h,) = self.run(x, [] if hx is None else [hx], lengths)
        return self.returned(y, h, h)


def pair(layer, hx):
    """The state ``hx`` of an LSTM as a list."""
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise ValueError(f"{layer}: the initial state must be a pair (h_0, c_0)")
    return list(hx)


def reset(named, hidden_size, weight_init, recurrent_init, bias_init):
    """Draw initial values: uniform up to 1 / sqrt(hidden_size), or those asked for."""
    bound = 1 / math.sqrt(max(hidden_size, 1))
    for name, p in named:
        asked = bias_init
        if name.startswith("weight"):
            asked = weight_init if name.startswith("weight_ih") else recurrent_init
        if asked is None:
            init.uniform_(p, -bound, bound)
        else:
            init.get(asked)(p)
