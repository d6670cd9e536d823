"""Activations and their derivatives: why gradients vanish.

On the way back through a layer the gradient is multiplied by the derivative of its activation. The
sigmoid's is 1/4 at most: ten layers leave less than a millionth. The hyperbolic tangent's is 1 at
most, but only at 0. That of ReLU and its relatives is 1 wherever the unit is on, which is why deep
networks use them; the leaky ones keep a slope where it is off.
"""

import numpy as np

from tatami import functional as F
from tatami import viz
from tatami.examples import main

SLOPE = np.array([0.25])  # where PReLU starts to learn its own


def first_of_two(x):
    """Softmax of (x, 0): its first output is the sigmoid."""
    pair = F.stack([x, x * 0], axis=1)
    return F.softmax(pair, axis=1)[:, 0]


ACTIVATIONS = {
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "softmax of (x, 0)": first_of_two,
    "ReLU": F.relu,
    "leaky ReLU (0.01)": F.leaky_relu,
    "PReLU (slope learnt)": lambda x: F.prelu(x, SLOPE),
    "RReLU (slope drawn)": lambda x: F.rrelu(x, training=True),
    "ELU": F.elu,
    "softplus": F.softplus,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "the identity": lambda x: x * 1,
}


def run(out, quick=False):
    steepest = {}
    print("                    largest |f'|   after 10 layers, at most")
    with viz.panels(4, 3, size=(2.9, 2.5), path=out / "activations.png") as axes:
        for (name, f), ax in zip(ACTIVATIONS.items(), axes, strict=True):
            viz.activation(f, name, ax=ax)
            _, _, slope = viz.sampled(f)
            steepest[name] = np.abs(slope).max()
            print(f"{name:<24}{steepest[name]:8.3f}   {steepest[name] ** 10:.2g}")
    return steepest


if __name__ == "__main__":
    main(run)
