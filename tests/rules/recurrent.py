"""Sequences: gradients through time of every input, weight, bias and first state."""

import numpy as np

from rules.rule import Rule

LENGTHS = np.array([5, 2, 4])


def _rule(name, gates, states, biased=True, **settings):
    """Arrays: x, w_ih, w_hh, the two biases if any, then the first states."""
    steps, batch, inputs, hidden = 5, 3, 4, 6
    rows = gates * hidden

    def call(K, arrays, **rest):
        biases = arrays[3:5] if biased else (None, None)
        first = arrays[-states:]
        return getattr(K, name)(*arrays[:3], *biases, *first, **settings, **rest)

    def backward(K, grads, *arrays):
        *_, cache = call(K, arrays, return_cache=True)
        found = getattr(K, f"{name}_grad")(*grads, cache)
        return tuple(g for g in found if g is not None)

    return Rule(
        f"{name} {settings} {'biased' if biased else ''}",
        lambda K, *arrays: call(K, arrays),
        backward,
        lambda source: [
            source(steps, batch, inputs),
            source(rows, inputs) * 0.5,
            source(rows, hidden) * 0.5,
            *([source(rows), source(rows)] if biased else []),
            *(source(batch, hidden) for _ in range(states)),
        ],
        uses=(name, f"{name}_grad"),
    )


VARIANTS = ({}, {"reverse": True}, {"lengths": LENGTHS}, {"lengths": LENGTHS, "reverse": True})

RULES = [
    *(_rule("lstm", 4, 2, **v) for v in VARIANTS),
    _rule("lstm", 4, 2, biased=False),
    *(_rule("gru", 3, 1, **v) for v in VARIANTS),
    *(_rule("gru", 3, 1, reset_after=False, **v) for v in VARIANTS),
    _rule("gru", 3, 1, biased=False),
    *(_rule("rnn", 1, 1, **v) for v in VARIANTS),
    _rule("rnn", 1, 1, activation="relu"),
]
