"""Recurrent cells, sequences, and back-propagation through time, one step after the other.

A cell is a pair of functions: step(a, b, state) -> new state and what its backward pass keeps, and
back(kept, grad_state) -> gradients of the two projections and of the old state. The sequence loops
are the same for all cells.
"""

import numpy as np

from reference.activation import f64, sigmoid

__all__ = [
    "gru",
    "gru_cell",
    "gru_grad",
    "lstm",
    "lstm_cell",
    "lstm_grad",
    "rnn",
    "rnn_cell",
    "rnn_grad",
]


class Lstm:
    """Gates i f g o; the state is (h, c)."""

    gates = 4

    def step(self, x, state, w_ih, w_hh, b_ih, b_hh):
        h, c = state
        i, f, g, o = np.split(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        new_c = f * c + i * g
        return (o * np.tanh(new_c), new_c), (i, f, g, o, c, np.tanh(new_c))

    def back(self, kept, grad_state, w_hh):
        i, f, g, o, c, t = kept
        grad_h, grad_c = grad_state
        grad_c = grad_c + grad_h * o * (1 - t * t)
        d = [
            grad_c * g * i * (1 - i),
            grad_c * c * f * (1 - f),
            grad_c * i * (1 - g * g),
            grad_h * t * o * (1 - o),
        ]
        d = np.concatenate(d, axis=1)
        return d, d, None, (d @ w_hh, grad_c * f)


class Gru:
    """Gates r z n; the state is (h,)."""

    gates = 3

    def __init__(self, reset_after=True):
        self.reset_after = reset_after

    def step(self, x, state, w_ih, w_hh, b_ih, b_hh):
        (h,) = state
        size = h.shape[1]
        a, b = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        r, z = np.split(sigmoid(a + b)[:, : 2 * size], 2, axis=1)
        b_n = b[:, 2 * size :]
        if self.reset_after:
            n = np.tanh(a[:, 2 * size :] + r * b_n)
        else:
            n = np.tanh(a[:, 2 * size :] + (r * h) @ w_hh[2 * size :].T + b_hh[2 * size :])
        return ((1 - z) * n + z * h,), (r, z, n, b_n, h)

    def back(self, kept, grad_state, w_hh):
        r, z, n, b_n, h = kept
        (grad_h,) = grad_state
        size = h.shape[1]
        w_n = w_hh[2 * size :]
        d_n = grad_h * (1 - z) * (1 - n * n)
        d_z = grad_h * (h - n) * z * (1 - z)
        through = d_n @ w_n
        d_r = (d_n * b_n if self.reset_after else through * h) * r * (1 - r)
        grad_x_side = np.concatenate([d_r, d_z, d_n], axis=1)
        grad_h_side = np.concatenate([d_r, d_z, d_n * r if self.reset_after else d_n], axis=1)
        old = grad_h * z
        if self.reset_after:
            return grad_x_side, grad_h_side, None, (old + grad_h_side @ w_hh,)
        old = old + grad_h_side[:, : 2 * size] @ w_hh[: 2 * size] + through * r
        return grad_x_side, grad_h_side, r * h, (old,)


class Rnn:
    """One gate; the state is (h,)."""

    gates = 1

    def __init__(self, activation="tanh"):
        self.relu = activation == "relu"

    def step(self, x, state, w_ih, w_hh, b_ih, b_hh):
        a = x @ w_ih.T + b_ih + state[0] @ w_hh.T + b_hh
        h = np.maximum(a, 0) if self.relu else np.tanh(a)
        return (h,), (h,)

    def back(self, kept, grad_state, w_hh):
        (h,) = kept
        d = grad_state[0] * ((h > 0) if self.relu else 1 - h * h)
        return d, d, None, (d @ w_hh,)


class Cache:
    def __init__(self, cell, order, mask, x, weights, biases, states, kept):
        self.cell, self.order, self.mask, self.x = cell, order, mask, x
        self.weights, self.biases = weights, biases
        self.states, self.kept = states, kept


def _bias(b, rows):
    return np.zeros(rows) if b is None else f64(b)


def _one_step(cell, x, state, w_ih, w_hh, b_ih, b_hh):
    rows = len(w_ih)
    args = f64(w_ih), f64(w_hh), _bias(b_ih, rows), _bias(b_hh, rows)
    return cell.step(f64(x), tuple(map(f64, state)), *args)[0]


def _sequence(cell, x, w_ih, w_hh, b_ih, b_hh, state, lengths, reverse):
    """Outputs (T, N, H), the last state and the cache; masked rows keep their state, y is 0."""
    x, w_ih, w_hh = f64(x), f64(w_ih), f64(w_hh)
    steps, batch, _ = x.shape
    rows, size = w_hh.shape
    biases = _bias(b_ih, rows), _bias(b_hh, rows)
    state = tuple(np.zeros((batch, size)) if s is None else f64(s) for s in state)
    lengths = np.full(batch, steps) if lengths is None else np.asarray(lengths)
    mask = (np.arange(steps)[:, None] < lengths)[..., None]
    order = range(steps)[::-1] if reverse else range(steps)
    y, states, kept = np.zeros((steps, batch, size)), {}, {}
    for t in order:
        states[t] = state
        new, kept[t] = cell.step(x[t], state, w_ih, w_hh, *biases)
        state = tuple(np.where(mask[t], a, b) for a, b in zip(new, state, strict=True))
        y[t] = np.where(mask[t], new[0], 0)
    cache = Cache(cell, order, mask, x, (w_ih, w_hh), (b_ih, b_hh), states, kept)
    return y, state, cache


def _through_time(grad_y, grad_last, cache):
    """Gradients of x, w_ih, w_hh, b_ih, b_hh and of every part of the first state."""
    w_ih, w_hh = cache.weights
    steps, batch, _ = cache.x.shape
    size, rows = w_hh.shape[1], len(w_hh)
    grad_state = tuple(np.zeros((batch, size)) if g is None else f64(g) for g in grad_last)
    grad_y = np.zeros((steps, batch, size)) if grad_y is None else f64(grad_y)
    grad_x = np.zeros_like(cache.x)
    grad_w_ih, grad_w_hh = np.zeros_like(w_ih), np.zeros_like(w_hh)
    grad_b_ih, grad_b_hh = np.zeros(rows), np.zeros(rows)
    for t in reversed(cache.order):
        mask = cache.mask[t]
        into = (grad_state[0] + grad_y[t], *grad_state[1:])
        into = tuple(np.where(mask, g, 0) for g in into)
        d_x, d_h, candidate, old = cache.cell.back(cache.kept[t], into, w_hh)
        grad_x[t] = d_x @ w_ih
        grad_w_ih += d_x.T @ cache.x[t]
        h = cache.states[t][0]
        if candidate is None:
            grad_w_hh += d_h.T @ h
        else:  # the last gate saw r * h in place of h
            grad_w_hh[: 2 * size] += d_h[:, : 2 * size].T @ h
            grad_w_hh[2 * size :] += d_h[:, 2 * size :].T @ candidate
        grad_b_ih += d_x.sum(0)
        grad_b_hh += d_h.sum(0)
        grad_state = tuple(np.where(mask, a, b) for a, b in zip(old, grad_state, strict=True))
    biases = tuple(
        None if b is None else g for b, g in zip(cache.biases, (grad_b_ih, grad_b_hh), strict=True)
    )
    return grad_x, grad_w_ih, grad_w_hh, *biases, *grad_state


def lstm_cell(x, h, c, w_ih, w_hh, b_ih=None, b_hh=None):
    return _one_step(Lstm(), x, (h, c), w_ih, w_hh, b_ih, b_hh)


def gru_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    return _one_step(Gru(), x, (h,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None, activation="tanh"):
    return _one_step(Rnn(activation), x, (h,), w_ih, w_hh, b_ih, b_hh)[0]


def lstm(
    x,
    w_ih,
    w_hh,
    b_ih=None,
    b_hh=None,
    h0=None,
    c0=None,
    *,
    lengths=None,
    reverse=False,
    return_cache=False,
):
    y, state, cache = _sequence(Lstm(), x, w_ih, w_hh, b_ih, b_hh, (h0, c0), lengths, reverse)
    return (y, *state, cache) if return_cache else (y, *state)


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
    return_cache=False,
):
    y, state, cache = _sequence(
        Gru(reset_after), x, w_ih, w_hh, b_ih, b_hh, (h0,), lengths, reverse
    )
    return (y, *state, cache) if return_cache else (y, *state)


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
    return_cache=False,
):
    y, state, cache = _sequence(Rnn(activation), x, w_ih, w_hh, b_ih, b_hh, (h0,), lengths, reverse)
    return (y, *state, cache) if return_cache else (y, *state)


def lstm_grad(grad_y, grad_h_n, grad_c_n, cache):
    return _through_time(grad_y, (grad_h_n, grad_c_n), cache)


def gru_grad(grad_y, grad_h_n, cache):
    return _through_time(grad_y, (grad_h_n,), cache)


def rnn_grad(grad_y, grad_h_n, cache):
    return _through_time(grad_y, (grad_h_n,), cache)
