"""Initial values: what ten layers make of a signal before anything is learnt.

A unit adds up as many terms as it has inputs, so the mean square of its sum is that of an input
times their number times the variance of a weight. Xavier's rule (Glorot & Bengio, 2010) makes the
factor 1, which suits activations that are nearly the identity around 0, as tanh is; He's (2015)
makes it 2, because ReLU throws half away. Weights drawn from -0.05 to 0.05 whatever the width let
the signal die, and the gradient with it.
"""

import numpy as np

from tatami import functional as F
from tatami import manual_seed, nn, viz
from tatami.examples import main

WIDTH, DEPTH = 256, 10
RULES = {
    "±0.05": lambda weight: nn.init.uniform_(weight, -0.05, 0.05),
    "Xavier": nn.init.xavier_uniform_,
    "He": nn.init.kaiming_uniform_,
}


def signals(fill, activation, rows):
    """What comes out of each layer for random inputs (rows, WIDTH)."""
    manual_seed(0)
    x = np.random.default_rng(0).standard_normal((rows, WIDTH), dtype=np.float32)
    outputs = []
    for _ in range(DEPTH):
        weight = fill(nn.Parameter(np.empty((WIDTH, WIDTH), np.float32)))
        x = activation(F.linear(x, weight.data))
        outputs.append(x)
    return outputs


def run(out, quick=False):
    rows = 100 if quick else 1000
    kept = {}
    with viz.panels(3, 2, size=(4.4, 2.7), path=out / "initial_values.png") as axes:
        places = iter(axes)
        for activation, span in ((F.tanh, (-1, 1)), (F.relu, (0, 3))):
            for rule, fill in RULES.items():
                outputs = signals(fill, activation, rows)
                name = f"{activation.__name__}, {rule}"
                kept[name] = np.mean(outputs[-1] ** 2) / np.mean(outputs[0] ** 2)
                print(f"{name:<14} mean square of layer {DEPTH} / layer 1: {kept[name]:.2g}")
                viz.distributions(outputs, span=span, title=name, ax=next(places))
    return kept


if __name__ == "__main__":
    main(run)
