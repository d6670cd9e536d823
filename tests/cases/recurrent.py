"""Recurrent cells, sequences and their gradients through time."""

import numpy as np

import reference as R
from cases.case import Case
from support import tupled

STEPS, INPUTS, HIDDEN = 7, 19, 21
LARGE = 150


class Net:
    """The arrays of one recurrent layer: x, w_ih, w_hh, the biases if any, then the states."""

    def __init__(self, name, gates, states, biased=True, lengths=False, **settings):
        self.name, self.gates, self.states, self.biased = name, gates, states, biased
        self.with_lengths, self.settings = lengths, settings
        lengths_label = "lengths" if lengths else ""
        self.label = f"{settings or ''} {lengths_label} {'' if biased else 'no bias'}".strip()

    def arrays(self, source, n):
        rows = self.gates * HIDDEN
        scale = 1 / np.sqrt(HIDDEN)
        biases = [source(rows), source(rows)] if self.biased else []
        lengths = [1 + source.below(STEPS, n)] if self.with_lengths else []
        return [
            source(STEPS, n, INPUTS),
            scale * source(rows, INPUTS),
            scale * source(rows, HIDDEN),
            *biases,
            *(source(n, HIDDEN) for _ in range(self.states)),
            *lengths,
        ]

    def forward(self, K, *arrays, **rest):
        lengths = {"lengths": arrays[-1]} if self.with_lengths else {}
        arrays = arrays[:-1] if self.with_lengths else arrays
        biases = arrays[3:5] if self.biased else (None, None)
        function = getattr(K, self.name)
        states = arrays[-self.states :]
        return function(*arrays[:3], *biases, *states, **lengths, **self.settings, **rest)

    def backward(self, K, *arrays):
        grads, arrays = arrays[: 1 + self.states], arrays[1 + self.states :]
        *_, cache = self.forward(K, *arrays, return_cache=True)
        return getattr(K, f"{self.name}_grad")(*grads, cache)

    def grad_arrays(self, source, n):
        grads = [source(STEPS, n, HIDDEN), *(source(n, HIDDEN) for _ in range(self.states))]
        return [*grads, *self.arrays(source, n)]

    def sums(self, arrays):
        """The largest sum of absolute values before a gate."""
        x, w_ih, w_hh = (np.abs(a) for a in arrays[:3])
        return (x @ w_ih.T).max() + w_hh.sum(axis=1).max() + 2

    def bound(self, *arrays):
        """Errors of a sum pass through gates with slopes of at most 1 and fade over the steps."""
        size = self.sums(arrays)
        results = [np.asarray(y) for y in self.forward(R, *arrays)]
        return tuple(np.full(y.shape, size * (1 + np.abs(y).max())) for y in results)

    def grad_bound(self, *arrays):
        size = self.sums(arrays[1 + self.states :])
        results = [g for g in self.backward(R, *arrays) if g is not None]
        return tuple(np.full(g.shape, size * np.abs(g).max()) for g in results)


def _sequence(*args, **settings):
    net = Net(*args, **settings)
    return [
        Case(net.name, net.forward, net.arrays, net.bound, large=LARGE, label=net.label),
        Case(
            f"{net.name}_grad",
            net.backward,
            net.grad_arrays,
            net.grad_bound,
            large=LARGE,
            label=net.label,
        ),
    ]


def _cell(name, gates, states, biased=True, **settings):
    def call(K, x, *arrays):
        state, rest = arrays[:states], arrays[states:]
        return getattr(K, f"{name}_cell")(x, *state, *rest, **settings)

    def arrays(source, n):
        rows = gates * HIDDEN
        biases = [source(rows), source(rows)] if biased else []
        weights = [source(rows, INPUTS), source(rows, HIDDEN)]
        state = [source(n, HIDDEN) for _ in range(states)]
        return [source(n, INPUTS), *state, *weights, *biases]

    def bound(x, *arrays):
        w_ih, w_hh = arrays[states : states + 2]
        size = (np.abs(x) @ np.abs(w_ih).T).max() + 3 * np.abs(w_hh).sum(axis=1).max() + 4
        results = [np.asarray(y) for y in tupled(call(R, x, *arrays))]
        return tuple(np.full(y.shape, size * (1 + np.abs(y).max())) for y in results)

    batch = (0, tuple(range(1 + states)))
    label = f"{settings or ''} {'' if biased else 'no bias'}".strip()
    return Case(f"{name}_cell", call, arrays, bound, batch=batch, large=1000, label=label)


VARIANTS = ({}, {"reverse": True}, {"lengths": True}, {"lengths": True, "reverse": True})

CASES = [
    _cell("lstm", 4, 2),
    _cell("lstm", 4, 2, biased=False),
    _cell("gru", 3, 1),
    _cell("gru", 3, 1, biased=False),
    _cell("rnn", 1, 1),
    _cell("rnn", 1, 1, biased=False, activation="relu"),
    *(
        case
        for cases in (
            *(_sequence("lstm", 4, 2, **v) for v in VARIANTS),
            _sequence("lstm", 4, 2, biased=False),
            *(_sequence("gru", 3, 1, **v) for v in VARIANTS),
            _sequence("gru", 3, 1, biased=False),
            *(_sequence("gru", 3, 1, reset_after=False, **v) for v in VARIANTS),
            *(_sequence("rnn", 1, 1, **v) for v in VARIANTS),
            _sequence("rnn", 1, 1, biased=False, activation="relu"),
        )
        for case in cases
    ),
]
