"""The optimizers' race: a plateau, a saddle, a local minimum.

All start at the white point and take as many steps by the gradient; light is low. Plain descent
(SGD) is slow wherever the slope is small. Momentum gathers speed, which carries it over the ridge
behind a local minimum, and round and round in the valley beyond. Adagrad, Adadelta, RMSprop and
Adam measure a slope against what it was before: on a plateau and near a saddle they are as fast as
anywhere, and the first valley is good enough for them. Rates are chosen by hand; others change the
ranking.
"""

import numpy as np

from tatami import functional as F
from tatami import nn, optim, viz
from tatami.examples import main


def well(x, y, at, depth, width):
    return -depth * F.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / width**2)


def all_in_one(x, y):
    """From a plateau into a shallow valley, and over a saddle into a deep one."""
    return well(x, y, (0, 0), 0.55, 0.8) + well(x, y, (1.2, -0.8), 1.2, 0.7)


def saddle(x, y):
    return x**2 - y**2 + y**4 / 4


def plateau(x, y):
    return -F.exp(-(x**2 + y**2))


def two_valleys(x, y):
    return x**4 - 2 * x**2 + x / 2 + 2 * y**2


LANDSCAPES = [
    (viz.Landscape("all in one", all_in_one, (-2.2, 2.2), (-2, 1.6)), (-1.3, 0.8)),
    (viz.Landscape("a saddle", saddle, (-1.8, 1.8), (-2, 2)), (-1.5, 0.001)),
    (viz.Landscape("a plateau", plateau, (-2.4, 1.2), (-1.2, 2.4)), (-1.9, 1.4)),
    (viz.Landscape("a local minimum", two_valleys, (-1.9, 1.9), (-1.2, 1.2)), (1.7, 0.8)),
]
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.02),
    "momentum": lambda p: optim.SGD(p, lr=0.02, momentum=0.9),
    "Nesterov": lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.2),
    "Adadelta": lambda p: optim.Adadelta(p, lr=10),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.02),
    "Adam": lambda p: optim.Adam(p, lr=0.05),
    "AMSGrad": lambda p: optim.AMSGrad(p, lr=0.05),
    "Nadam": lambda p: optim.NAdam(p, lr=0.05),
}


def descend(f, start, make, steps):
    """The points (steps + 1, 2) that an optimizer goes through."""
    point = nn.Parameter(np.array(start))
    optimizer = make([point])
    way = [point.data.copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(point[0], point[1]).backward()
        optimizer.step()
        way.append(point.data.copy())
    return np.array(way)


def run(out, quick=False):
    steps = 150
    landscapes, ends = [], {}
    for landscape, start in LANDSCAPES:
        f = landscape.f
        landscape.ways = {n: descend(f, start, make, steps) for n, make in OPTIMIZERS.items()}
        ends[landscape.name] = {n: f(*way[-1]) for n, way in landscape.ways.items()}
        landscapes.append(landscape)

    print(f"loss after {steps} steps" + "".join(f"{s.name:>17}" for s in landscapes))
    for name in OPTIMIZERS:
        print(f"{name:<20}" + "".join(f"{ends[s.name][name]:17.3f}" for s in landscapes))

    title = f"{steps} steps from the white point"
    viz.race(landscapes, title=title, path=out / "optimizer_race.png")
    frames = 3 if quick else 60
    viz.animation(landscapes, out / "optimizer_race.gif", title=title, frames=frames)
    return ends


if __name__ == "__main__":
    main(run)
