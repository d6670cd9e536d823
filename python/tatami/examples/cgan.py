"""A conditional GAN: a digit is made because it is asked for.

Generator and discriminator are both told which digit it is about. So the discriminator can say of a
well drawn 3 that it is not real, because it was to be a 5, and the generator learns to do as it is
asked: a classifier that has learnt real digits reads what was made.
"""

import numpy as np

from tatami import viz
from tatami.examples import main
from tatami.examples._samples import digits, game, judged, learnt, table
from tatami.generate.recipes import cgan
from tatami.generate.recipes._images import moved


def run(out, quick=False):
    x, y, real, eye = digits(quick)
    gan, history = learnt(cgan, moved(x, y), quick, steps=120)

    asked = np.arange(1000) % 10
    made = gan.sample(1000, asked, rng=np.random.default_rng(0))
    read = eye.probabilities(made).argmax(axis=1)
    agreement = {digit: np.mean(read[asked == digit] == digit) for digit in range(10)}
    table({"made": judged(eye, made, real)})
    print(f"{np.mean(read == asked):.1%} of 1,000 digits are read as what was asked for")
    with viz.panels(4, size=(3.2, 3.4), path=out / "cgan.png") as (left, right, *lines):
        viz.images(made[:100], columns=10, title="a column for each digit", ax=left)
        viz.bars(range(10), list(agreement.values()), title="read as asked", ax=right)
        right.set_ylim(0, 1)
        game(history, *lines)
    return {"agreement": np.mean(read == asked), "history": history}


if __name__ == "__main__":
    main(run)
