"""Writes functional.npz: what PyTorch gets for functional_cases.py. Needs torch and NumPy alone.

python tests/stored/make_functional.py
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as TF
from functional_cases import CASES, arguments, save, weights
from torch.nn.attention import SDPBackend, sdpa_kernel

FILE = Path(__file__).with_name("functional.npz")


def _tensors(value):
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


class Spelled:
    """The names of tatami.functional with PyTorch behind them."""

    def __getattr__(self, name):
        f = getattr(type(self), f"_{name}", None) or getattr(TF, name, None)
        f = f or getattr(torch, name)
        return lambda *args, **settings: f(
            *map(_tensors, args), **{k: _tensors(v) for k, v in settings.items()}
        )

    def _upsample2d(x, scale, mode="nearest"):
        return TF.interpolate(x, scale_factor=scale, mode=mode)

    def _rms_norm(x, normalized_shape, weight=None, eps=1e-5):
        return TF.rms_norm(x, normalized_shape, weight, eps)

    def _hinge_loss(x, target, reduction):
        terms = TF.relu(1 - target * x)
        return terms if reduction == "none" else getattr(terms, reduction)()

    def _grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
        """By tents: PyTorch's own function has no second derivative."""
        tents = []
        for place, size in zip(grid.unbind(-1), (x.shape[3], x.shape[2])):
            at = place * (size - 1 if align_corners else size) / 2 + (size - 1) / 2
            at = at.clamp(0, size - 1) if padding_mode == "border" else at
            at = at.round() if mode == "nearest" else at
            tents.append(TF.relu(1 - (torch.arange(size) - at[..., None]).abs()))
        y = torch.einsum("nijw,nijh,nchw->ncij", *tents, x)
        own = TF.grid_sample(x, grid, mode, padding_mode, align_corners)
        torch.testing.assert_close(y, own)
        return y

    def _lstm(*args, lengths=None, reverse=False):
        def run(x, state, weights):
            y, *last = torch._VF.lstm(x, state, weights, True, 1, 0.0, True, False, False)
            return y, last

        return _rows(run, 2, *args, lengths=lengths, reverse=reverse)

    def _gru(*args, lengths=None, reverse=False, reset_after=True):
        def run(x, state, weights):
            y, h = torch._VF.gru(x, *state, weights, True, 1, 0.0, True, False, False)
            return y, [h]

        run = run if reset_after else _gru_reset_before
        return _rows(run, 1, *args, lengths=lengths, reverse=reverse)

    def _rnn(*args, lengths=None, reverse=False, activation="tanh"):
        def run(x, state, weights):
            f = getattr(torch._VF, f"rnn_{activation}")
            y, h = f(x, *state, weights, True, 1, 0.0, True, False, False)
            return y, [h]

        return _rows(run, 1, *args, lengths=lengths, reverse=reverse)

    def _lstm_cell(x, h, c, *weights):
        return torch.lstm_cell(x, (h, c), *weights)

    def _rnn_cell(*args, activation="tanh"):
        return getattr(torch, f"rnn_{activation}_cell")(*args)


def _rows(run, states, x, w_ih, w_hh, b_ih=None, b_hh=None, *state, lengths=None, reverse=False):
    """A recurrent layer row by row, each over its own steps, zeros after them."""
    zero = torch.zeros(len(w_ih))
    weights = [w_ih, w_hh, zero if b_ih is None else b_ih, zero if b_hh is None else b_hh]
    state = state or [torch.zeros(x.shape[1], w_hh.shape[1])] * states
    ys, lasts = [], []
    for n in range(x.shape[1]):
        steps = len(x) if lengths is None else int(lengths[n])
        part = x[:steps, n : n + 1]
        part = part.flip(0) if reverse else part
        y, last = run(part, [s[None, n : n + 1] for s in state], weights)
        y = y.flip(0) if reverse else y
        ys.append(TF.pad(y, (0, 0, 0, 0, 0, len(x) - steps)))
        lasts.append(last)
    return torch.cat(ys, 1), *(torch.cat(parts, 1)[0] for parts in zip(*lasts))


def _gru_reset_before(x, state, weights):
    """The paper's gated unit, which PyTorch does not have."""
    w_ih, w_hh, b_ih, b_hh = weights
    (h,) = state[0]
    k = w_hh.shape[1]
    ys = []
    for gates in TF.linear(x, w_ih, b_ih):
        r, z = (
            (gates[:, : 2 * k] + TF.linear(h, w_hh[: 2 * k], b_hh[: 2 * k])).sigmoid().chunk(2, 1)
        )
        n = (gates[:, 2 * k :] + TF.linear(r * h, w_hh[2 * k :], b_hh[2 * k :])).tanh()
        h = (1 - z) * n + z * h
        ys.append(h)
    return torch.stack(ys), [h[None]]


def results(case, F=None):
    """Values, first and second derivatives, flattened behind each other."""
    xs = [torch.from_numpy(x).requires_grad_() for x in arguments(case)]
    y = case[1](F or Spelled(), *xs)
    ys = list(y) if isinstance(y, tuple) else [y]
    vs = [torch.from_numpy(np.asarray(v)).requires_grad_() for v in weights(case, ys)]
    first = torch.autograd.grad(ys, xs, vs, create_graph=True)
    us = [torch.from_numpy(u) for u in weights(case, first)]
    total = sum((u * g).sum() for u, g in zip(us, first, strict=True))
    second = torch.autograd.grad(total, [*xs, *vs], allow_unused=True)
    second = [torch.zeros_like(x) if g is None else g for g, x in zip(second, [*xs, *vs])]
    return torch.cat([t.detach().reshape(-1) for t in (*ys, *first, *second)]).numpy()


def every_result():
    torch.set_default_dtype(torch.float64)
    with sdpa_kernel(SDPBackend.MATH):  # the others refuse a second derivative
        return {case[0]: results(case) for case in CASES}


if __name__ == "__main__":
    save(FILE, every_result())
    print(f"{len(CASES)} cases, {FILE.stat().st_size} bytes")
