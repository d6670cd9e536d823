"""WGAN: a critic that measures a distance instead of telling true from false.

Its score may not be steeper than 1 anywhere between real and made images, which a penalty on its
gradient sees to: training differentiates a derivative. The difference of the mean scores then is a
distance between the two sets of images, and unlike the loss of a GAN it says how far one is: it
shrinks as the samples get better.
"""

import numpy as np

from tatami import manual_seed, viz
from tatami.examples import _digits, main
from tatami.examples._samples import judged, table
from tatami.generate.recipes import wgan
from tatami.generate.recipes._images import doubled, moved


def run(out, quick=False):
    (x, y), (real, _) = _digits.load()
    x, real = doubled(x), doubled(real)
    eye = _digits.eye(x, y, epochs=8 if quick else 30)
    manual_seed(0)
    gan = wgan.model(x)
    steps = 3 if quick else None  # an epoch
    how = {"batch_size": wgan.BATCH_SIZE, "steps_per_epoch": steps, "verbose": 0}
    history = gan.fit(moved(x, y)[0], epochs=4 if quick else wgan.EPOCHS, **how).history

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
