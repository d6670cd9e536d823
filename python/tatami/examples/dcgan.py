"""DCGAN: digits out of noise, by two networks that learn from each other.

A generator draws 16x16 pixels, a discriminator tells its digits from written ones, and each learns
from where the other was right. The game is in balance as long as neither wins: the discriminator's
loss stays well above 0, and below the ln 4 = 1.39 of one that knows nothing. A classifier that has
learnt the real digits looks at what was made: are they digits, and are all ten of them there?
"""

import numpy as np

from tatami import viz
from tatami.examples import main
from tatami.examples._samples import digits, game, judged, learnt, table
from tatami.generate.recipes import dcgan
from tatami.generate.recipes._images import moved


def run(out, quick=False):
    x, y, real, eye = digits(quick)
    gan, history = learnt(dcgan, moved(x, y)[:1], quick, steps=80)

    made = gan.sample(1000, rng=np.random.default_rng(0))
    shown = {"made": judged(eye, made, real), "learnt from": judged(eye, x, real)}
    table(shown)
    losses = history["d_loss"]
    print(f"the discriminator's loss stays between {min(losses):.2f} and {max(losses):.2f}")
    with viz.panels(4, size=(3.2, 3.4), path=out / "dcgan.png") as (left, right, *lines):
        viz.images(x[:64], columns=8, title="written", ax=left)
        viz.images(made[:64], columns=8, title="made", ax=right)
        game(history, *lines)
    return {**shown, "history": history}


if __name__ == "__main__":
    main(run)
