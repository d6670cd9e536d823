"""LSTM, GRU and RNN in NumPy: one GEMM for all inputs, a step loop, a GEMM a weight gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Forward:
    """What the backward pass reads; `gates` holds activated gates of every step (T, N, G * H)."""

    y: np.ndarray
    gates: np.ndarray
    extra: np.ndarray  # LSTM: cells (T + 1, N, H); GRU: hidden parts of the new gate (T, N, H)


def sigmoid_(x):
    """In place 1 / (1 + exp(-x))."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)


def lstm_step(gates, hidden, h, t, extra):
    gates += hidden
    size = h.shape[1]
    sigmoid_(gates[:, : 2 * size])
    sigmoid_(gates[:, 3 * size :])
    i, f, g, o = np.split(gates, 4, axis=1)
    np.tanh(g, out=g)
    np.multiply(f, extra[t], out=extra[t + 1])
    extra[t + 1] += i * g
    return o * np.tanh(extra[t + 1])


def lstm_back(gates, dgates, dh, dc, h, t, extra):
    i, f, g, o = np.split(gates, 4, axis=1)
    di, df, dg, do = np.split(dgates, 4, axis=1)
    squashed = np.tanh(extra[t + 1])
    dc = dc + dh * o * (1 - squashed * squashed)
    np.multiply(dh * squashed, o * (1 - o), out=do)
    np.multiply(dc * g, i * (1 - i), out=di)
    np.multiply(dc * extra[t], f * (1 - f), out=df)
    np.multiply(dc * i, 1 - g * g, out=dg)
    return dgates, None, dc * f


def gru_step(gates, hidden, h, t, extra):
    size = h.shape[1]
    gates[:, : 2 * size] += hidden[:, : 2 * size]
    sigmoid_(gates[:, : 2 * size])
    extra[t] = hidden[:, 2 * size :]
    r, z, n = np.split(gates, 3, axis=1)
    n += r * extra[t]
    np.tanh(n, out=n)
    return n + z * (h - n)


def gru_back(gates, dgates, dh, dc, h, t, extra):
    r, z, n = np.split(gates, 3, axis=1)
    dr, dz, dn = np.split(dgates, 3, axis=1)
    np.multiply(dh * (1 - z), 1 - n * n, out=dn)
    np.multiply(dh * (h - n), z * (1 - z), out=dz)
    np.multiply(dn * extra[t], r * (1 - r), out=dr)
    dhidden = dgates.copy()
    dhidden[:, 2 * h.shape[1] :] *= r
    return dhidden, dh * z, None


def rnn_step(gates, hidden, h, t, extra):
    gates += hidden
    return np.tanh(gates, out=gates)


def rnn_back(gates, dgates, dh, dc, h, t, extra):
    np.multiply(dh, 1 - gates * gates, out=dgates)
    return dgates, None, None


CELLS = {
    "lstm": (lstm_step, lstm_back),
    "gru": (gru_step, gru_back),
    "rnn": (rnn_step, rnn_back),
}


def forward(cell, x, w_ih, w_hh, b_ih, b_hh) -> Forward:
    step, _ = cell
    steps, batch, _ = x.shape
    size = w_hh.shape[1]
    # the GRU scales the hidden part of its new gate, so b_hh goes with the hidden product
    gates = x.reshape(steps * batch, -1) @ w_ih.T
    gates += b_ih
    gates = gates.reshape(steps, batch, -1)
    y = np.empty((steps, batch, size), x.dtype)
    extra = np.zeros((steps + 1, batch, size), x.dtype)
    h = np.zeros((batch, size), x.dtype)
    for t in range(steps):
        hidden = h @ w_hh.T
        hidden += b_hh
        y[t] = step(gates[t], hidden, h, t, extra)
        h = y[t]
    return Forward(y, gates, extra)


def backward(cell, saved: Forward, x, w_ih, w_hh, grad_y):
    _, back = cell
    steps, batch, size = saved.y.shape
    previous = np.concatenate([np.zeros((1, batch, size), x.dtype), saved.y[:-1]])
    dgates = np.empty_like(saved.gates)  # of the input product
    dhiddens = np.empty_like(saved.gates)  # of the hidden product
    dh, dc = np.zeros((2, batch, size), x.dtype)
    for t in reversed(range(steps)):
        dh = dh + grad_y[t]
        dhiddens[t], direct, dc = back(
            saved.gates[t], dgates[t], dh, dc, previous[t], t, saved.extra
        )
        dh = dhiddens[t] @ w_hh
        if direct is not None:
            dh += direct
    flat = dgates.reshape(steps * batch, -1)
    hidden = dhiddens.reshape(steps * batch, -1)
    return (
        (flat @ w_ih).reshape(x.shape),
        flat.T @ x.reshape(steps * batch, -1),
        hidden.T @ previous.reshape(steps * batch, -1),
        flat.sum(axis=0),
        hidden.sum(axis=0),
    )
