"""WGAN: a critic that measures a distance instead of telling true from false.

Its score may not be steeper than 1 anywhere between real and made images, which a penalty on its
gradient sees to: training differentiates a derivative. The difference of the mean scores then is a
distance between the two sets of images, and unlike the loss of a GAN it says how far one is: it
shrinks as the samples get better.
"""

import numpy as np

from tatami import viz
from tatami.examples import main
from tatami.examples._samples import digits, judged, learnt, table
from tatami.generate.recipes import wgan
from tatami.generate.recipes._images import moved


def run(out, quick=False):
    x, y, real, eye = digits(quick)
    gan, history = learnt(wgan, moved(x, y)[:1], quick, steps=3)

    made = gan.sample(1000, rng=np.random.default_rng(0))
    shown = {"made": judged(eye, made, real), "learnt from": judged(eye, x, real)}
    table(shown)
    distance = history["distance"]
    print(f"distance by the critic: {max(distance):.2f} at most, in the end {distance[-1]:.2f}")
    with viz.panels(3, size=(3.2, 3.4), path=out / "wgan.png") as (left, right, line):
        viz.images(x[:64], columns=8, title="written", ax=left)
        viz.images(made[:64], columns=8, title="made", ax=right)
        named = {"E f(real) - E f(made)": distance}
        epochs = range(1, len(distance) + 1)
        viz.lines(epochs, named, title="how far made from real", xlabel="epoch", ax=line)
        viz.style.frame(line, whole=True)
    return {**shown, "history": history}


if __name__ == "__main__":
    main(run)
