"""The perceptron: a step for an output, and what it can and cannot learn.

The output is 1 where ``w . x + b > 0``, else 0. Rosenblatt's rule (1958) goes through the points
one by one and changes the weights at mistakes alone: ``w`` moves by the point, towards it where the
output should have been 1, away from it where it should have been 0.

Where a line separates the classes the rule finds one, after at most ``(R / margin)^2`` mistakes
(Novikoff, 1962), R being the largest length of a point with its constant 1. Where none does, as for
exclusive or, it never ends.
"""

import numpy as np

from tatami import functional as F
from tatami import viz
from tatami.examples import main


def step(x):
    return (x > 0).astype(np.int64)


def learn(x, y, passes):
    """The line (weight, bias), and the number of mistakes in each pass over the points."""
    weight, bias = np.zeros((1, 2)), np.zeros(1)
    mistakes = []
    for _ in range(passes):
        wrong = 0
        for point, target in zip(x, y, strict=True):
            error = target - step(F.linear(point[None], weight, bias)).item()
            weight += error * point
            bias += error
            wrong += abs(error)
        mistakes.append(wrong)
    return weight, bias, mistakes


LINE = np.array([1.0, -2.0, 1.5])  # x1 - 2 x2 + 1.5 = 0


def with_one(x):
    return np.column_stack([x, np.ones(len(x))])


def clouds(rng, count=80, room=0.1):
    """Points on both sides of LINE, none of them nearer to it than ``room``."""
    x = rng.normal(0, 1.5, (3 * count, 2))
    beyond = with_one(x) @ LINE / np.linalg.norm(LINE[:2])
    x, beyond = x[abs(beyond) > room][:count], beyond[abs(beyond) > room][:count]
    return x, step(beyond)


def most_mistakes(x):
    """Novikoff's bound, from the margin that LINE has."""
    margin = np.abs(with_one(x) @ LINE).min() / np.linalg.norm(LINE)
    return (np.linalg.norm(with_one(x), axis=1).max() / margin) ** 2


def run(out, quick=False):
    passes = 20 if quick else 40
    x, y = clouds(np.random.default_rng(5))
    weight, bias, mistakes = learn(x, y, passes)
    bound = most_mistakes(x)
    print(
        f"two clouds: {sum(mistakes)} mistakes, none after pass {np.flatnonzero(mistakes)[-1] + 1}"
    )
    print(f"            (the bound allows {bound:.0f})")

    corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    *_, never = learn(corners, np.array([0, 1, 1, 0]), passes)
    print(f"exclusive or: still {never[-1]} mistakes in pass {passes}")

    with viz.panels(2, path=out / "perceptron.png") as (left, right):

        def decide(points):
            return step(F.linear(points, weight, bias))

        viz.regions(decide, x, y, title="a line between two clouds", ax=left)
        viz.lines(
            np.arange(1, passes + 1),
            {"two clouds": mistakes, "exclusive or": never},
            title="mistakes in each pass over the points",
            xlabel="pass",
            ylabel="mistakes",
            ax=right,
        )
    return {"mistakes": mistakes, "bound": bound, "never": never}


if __name__ == "__main__":
    main(run)
