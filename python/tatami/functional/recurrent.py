"""Recurrent layers: fused kernels, and step by step where gradients are differentiated.

Shapes and gate orders are those of :mod:`tatami.kernels`.
"""

import numpy as np

from .. import kernels as K
from ..autograd import Op, Tensor
from ..autograd.tensor import array_of
from .activation import relu, sigmoid, tanh
from .combine import split, stack
from .elementwise import where
from .fused import Fused, recorded
from .indexing import getitem
from .matmul import linear
from .shape import reshape


def _unrolled(gates, step, state, lengths, reverse):
    """``state = step(gates[t], *state)`` over time: the first part of every state, the last state.

    ``gates`` (T, N, ...) are what the inputs alone make of them.
    """
    steps, n = gates.shape[:2]
    hidden = state[0].shape[1]
    ys = [None] * steps
    parts = split(gates, 1) if steps else ()
    for t in reversed(range(steps)) if reverse else range(steps):
        new = step(reshape(parts[t], (n, gates.shape[2])), *state)
        if lengths is None:
            state, ys[t] = new, new[0]
        else:  # past a row's length its state stands still
            on = (t < lengths)[:, None]
            state = tuple(where(on, a, b) for a, b in zip(new, state))
            ys[t] = where(on, new[0], np.zeros_like(new[0].data))
    return (stack(ys) if steps else getitem(gates, np.s_[..., :hidden]), *state)


def _first(state, x, w_hh):
    """The state given, or zeros."""
    if state is not None:
        return state
    return Tensor(np.zeros((x.shape[1], w_hh.shape[1]), x.dtype, like=array_of(x)))


def _composed_lstm(x, w_ih, w_hh, b_ih, b_hh, h0, c0, *, lengths, reverse):
    def step(gates, h, c):
        i, f, g, o = split(gates + linear(h, w_hh, b_hh), h.shape[1], 1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    state = _first(h0, x, w_hh), _first(c0, x, w_hh)
    return _unrolled(linear(x, w_ih, b_ih), step, state, lengths, reverse)


def _composed_gru(x, w_ih, w_hh, b_ih, b_hh, h0, *, lengths, reverse, reset_after):
    h0 = _first(h0, x, w_hh)
    hidden = h0.shape[1]

    def after(gates, h):
        xr, xz, xn = split(gates, hidden, 1)
        hr, hz, hn = split(linear(h, w_hh, b_hh), hidden, 1)
        z, n = sigmoid(xz + hz), tanh(xn + sigmoid(xr + hr) * hn)
        return (n + z * (h - n),)

    def before(gates, h):
        xr, xz, xn = split(gates, hidden, 1)
        hr, hz = split(linear(h, *gate_weights), hidden, 1)
        z, n = sigmoid(xz + hz), tanh(xn + linear(sigmoid(xr + hr) * h, *new_weights))
        return (n + z * (h - n),)

    if not reset_after:
        sizes = [2 * hidden, hidden]
        biases = (None, None) if b_hh is None else split(b_hh, sizes)
        gate_weights, new_weights = zip(split(w_hh, sizes), biases)
    step = after if reset_after else before
    return _unrolled(linear(x, w_ih, b_ih), step, (h0,), lengths, reverse)


def _composed_rnn(x, w_ih, w_hh, b_ih, b_hh, h0, *, lengths, reverse, activation):
    f = tanh if activation == "tanh" else relu

    def step(gates, h):
        return (f(gates + linear(h, w_hh, b_hh)),)

    return _unrolled(linear(x, w_ih, b_ih), step, (_first(h0, x, w_hh),), lengths, reverse)


_lstm = Fused(K.lstm, K.lstm_grad, _composed_lstm, name="lstm", outputs=3)
_gru = Fused(K.gru, K.gru_grad, _composed_gru, name="gru", outputs=2)
_rnn = Fused(K.rnn, K.rnn_grad, _composed_rnn, name="rnn", outputs=2)


def lstm(x, w_ih, w_hh, b_ih=None, b_hh=None, h0=None, c0=None, *, lengths=None, reverse=False):
    """Long short-term memory over a sequence: ``y, h_n, c_n``; see :func:`tatami.kernels.lstm`."""
    lengths = array_of(lengths)
    return _lstm(x, w_ih, w_hh, b_ih, b_hh, h0, c0, lengths=lengths, reverse=reverse)


def gru(
    x,
    w_ih,
    w_hh,
    b_ih=None,
    b_hh=None,
    h0=None,
    *,
    lengths=None,
    reverse=False,
    reset_after=True,
):
    """Gated recurrent unit over a sequence: ``y, h_n``; see :func:`tatami.kernels.gru`."""
    how = {"lengths": array_of(lengths), "reverse": reverse, "reset_after": reset_after}
    return _gru(x, w_ih, w_hh, b_ih, b_hh, h0, **how)


def rnn(
    x,
    w_ih,
    w_hh,
    b_ih=None,
    b_hh=None,
    h0=None,
    *,
    lengths=None,
    reverse=False,
    activation="tanh",
):
    """Elman's network over a sequence: ``y, h_n``; see :func:`tatami.kernels.rnn`."""
    how = {"lengths": array_of(lengths), "reverse": reverse, "activation": activation}
    return _rnn(x, w_ih, w_hh, b_ih, b_hh, h0, **how)


_lstm_cell = Op(K.lstm_cell, outputs=2)
_gru_cell = Op(K.gru_cell)
_rnn_cell = Op(K.rnn_cell)


def lstm_cell(x, h, c, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of :func:`lstm` from the state ``h``, ``c``; returns the new ``h`` and ``c``."""
    if not recorded(x, h, c, w_ih, w_hh, b_ih, b_hh):
        return _lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh)
    return lstm(_one_step("lstm_cell", x), w_ih, w_hh, b_ih, b_hh, h, c)[1:]


def gru_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of :func:`gru` from the state ``h``; returns the new one."""
    if not recorded(x, h, w_ih, w_hh, b_ih, b_hh):
        return _gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)
    return gru(_one_step("gru_cell", x), w_ih, w_hh, b_ih, b_hh, h)[1]


def rnn_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None, activation="tanh"):
    """One step of :func:`rnn` from the state ``h``; returns the new one."""
    if not recorded(x, h, w_ih, w_hh, b_ih, b_hh):
        return _rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh, activation=activation)
    return rnn(_one_step("rnn_cell", x), w_ih, w_hh, b_ih, b_hh, h, activation=activation)[1]


def _one_step(name, x):
    """A sequence of one step: kernels for cells have no gradient of their own."""
    if x.ndim != 2:
        raise ValueError(f"{name}: x must have 2 axes (N, I), not shape {x.shape}")
    return reshape(x, (1, *x.shape))
