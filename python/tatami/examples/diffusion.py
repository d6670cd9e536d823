"""Diffusion: noise becomes a digit, and it is told which.

A network learns one thing: to tell what noise was added to a picture. Noise alone, of which a
little of the noise that it sees in it is taken away again and again, turns into a picture. Now and
then the network is not told which digit it looks at; so it knows what the class changes, and
guidance makes more of that: digits that are easier to read, but more alike.
"""

import numpy as np

from tatami import manual_seed, metrics, viz
from tatami.examples import _digits, main
from tatami.models import Diffusion

ROWS = np.repeat(np.arange(10), 10)  # ten of each digit


def judged(eye, made, digits, images):
    """Samples that are to be of the digits, next to real images."""
    real, features = eye.features(images), eye.features(made)
    probabilities = eye.probabilities(made)
    precision, recall = metrics.precision_recall(real, features)
    return {
        "as asked": np.mean(probabilities.argmax(axis=1) == digits),
        "score": metrics.classifier_score(probabilities),
        "precision": precision,
        "recall": recall,
        "Fréchet": metrics.frechet_distance(real, features),
    }


def strips(model, rng):
    """A row for each digit, every third of 24 steps from noise, and the length of a row."""
    way = [*model.denoise(10, np.arange(10), steps=24, rng=rng)][::3]
    return np.stack(way, axis=1).reshape(-1, *model.shape), len(way)


def pictures(model, path):
    """The way from noise, and what comes of guidance."""
    ways, columns = strips(model, np.random.default_rng(0))
    with viz.panels(3, size=(3.4, 3.6), path=path) as (left, middle, right):
        viz.images(ways, columns=columns, each=True, title="noise turns into digits", ax=left)
        for guidance, ax in ((1, middle), (3, right)):
            made = model.sample(100, ROWS, guidance=guidance, rng=np.random.default_rng(0))
            viz.images(made, columns=10, title=f"ten of each, guidance {guidance}", ax=ax)


def run(out, quick=False):
    train, test = _digits.load()
    images, digits = [part[:100] for part in test] if quick else test
    count = len(digits)
    eye = _digits.eye(*train, epochs=8 if quick else 30)
    manual_seed(0)
    model = Diffusion(width=16 if quick else 32)
    model.compile()
    model.fit(*train, batch_size=64, epochs=7 if quick else 60, verbose=0)

    shown = {}
    for guidance in (0, 1, 1.5, 3):
        rng = np.random.default_rng(0)
        made = model.sample(count, digits, guidance=guidance, rng=rng)
        shown[f"guidance {guidance}"] = judged(eye, made, digits, images)
    shown["real digits"] = judged(eye, *(part[:count] for part in train), images)
    print(f"{f'{count} samples':<14}" + "".join(f"{name:>12}" for name in shown["guidance 0"]))
    for name, numbers in shown.items():
        print(f"{name:<14}" + "".join(f"{number:12.2f}" for number in numbers.values()))
    pictures(model, out / "diffusion.png")
    return shown


if __name__ == "__main__":
    main(run)
