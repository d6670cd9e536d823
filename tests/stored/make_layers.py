"""Writes layers.npz: what PyTorch gets for layer_cases.py. Needs torch and NumPy alone.

python tests/stored/make_layers.py

For every case: the state dict's names and shapes, and in one vector the outputs, the derivatives
by inputs and parameters, the derivatives of those, and the buffers after the call.
"""

import json
from pathlib import Path

import numpy as np
import torch
from functional_cases import weights
from layer_cases import CASES, inputs, state
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FILE = Path(__file__).with_name("layers.npz")


class Spelled:
    """The names of tatami.nn with PyTorch behind them."""

    def __getattr__(self, name):
        kind = getattr(type(self), f"_{name}", None) or getattr(torch.nn, name)

        def make(*args, **settings):
            settings = {k: _tensor(v) for k, v in settings.items()}
            return kind(*map(_tensor, args), **settings).double()

        return make

    def _DepthwiseConv2d(channels, size, stride, padding, multiplier):
        return torch.nn.Conv2d(
            channels, channels * multiplier, size, stride, padding, groups=channels
        )

    def _GlobalAvgPool2d():
        return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())

    def _GlobalMaxPool2d():
        return torch.nn.Sequential(torch.nn.AdaptiveMaxPool2d(1), torch.nn.Flatten())


def _tensor(value):
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def _packed(layer, x, lengths):
    """What ``layer(x, lengths=lengths)`` means in PyTorch's words."""
    first = layer.batch_first
    rows = pack_padded_sequence(x, lengths, first, enforce_sorted=False)
    y, states = layer(rows)
    return pad_packed_sequence(y, first, total_length=x.shape[1 if first else 0])[0], states


def _call(case, layer, xs):
    """The outputs in one flat tuple."""
    if case[0].endswith("lengths"):
        return _flat(_packed(layer, *xs))
    return _flat(case[2](layer, *xs))


def _flat(value):
    if isinstance(value, tuple):
        return tuple(t for v in value for t in _flat(v))
    return () if value is None else (value,)


def results(case):
    layer = case[1](Spelled())
    shapes = {name: tuple(t.shape) for name, t in layer.state_dict().items()}
    values = state(case, shapes)
    layer.load_state_dict({name: torch.from_numpy(np.asarray(v)) for name, v in values.items()})
    xs = [torch.from_numpy(x).requires_grad_(wanted) for x, wanted in inputs(case)]
    ys = _call(case, layer, xs)
    wanted = [*(x for x in xs if x.requires_grad), *layer.parameters()]
    vs = [torch.from_numpy(np.asarray(v)) for v in weights(case, ys)]
    first = torch.autograd.grad(ys, wanted, vs, create_graph=True)
    second = [torch.zeros_like(x) for x in wanted]
    if any(g.requires_grad for g in first):
        us = [torch.from_numpy(np.asarray(u)) for u in weights(case, first)]
        total = sum((u * g).sum() for u, g in zip(us, first))
        found = torch.autograd.grad(total, wanted, allow_unused=True)
        second = [z if g is None else g for g, z in zip(found, second)]
    numbers = [*ys, *first, *second, *layer.buffers()]
    return shapes, torch.cat([t.detach().double().reshape(-1) for t in numbers]).numpy()


def every_result():
    with sdpa_kernel(SDPBackend.MATH):  # the others refuse a second derivative
        return {case[0]: results(case) for case in CASES}


if __name__ == "__main__":
    found = every_result()
    shapes = json.dumps({name: list(s.items()) for name, (s, _) in found.items()})
    np.savez_compressed(FILE, shapes=shapes, **{name: v for name, (_, v) in found.items()})
    print(f"{len(CASES)} cases, {FILE.stat().st_size} bytes")
