"""Augmentation: changes that leave the meaning as it is.

A flower moved, turned or cut by a piece is the same flower. A network that has seen digits in the
middle of the picture alone has learnt that they are there, and fails where one is a pixel further
on; one that sees every digit changed a little anew in each epoch does not care.
"""

from functools import partial

import numpy as np

from tatami import manual_seed, nn, optim, viz
from tatami.data import augment
from tatami.examples import _digits, main

CHANGES = {
    "as it is": lambda x, rng: x,
    "shift": augment.Shift(0.2),
    "flip": augment.Flip(p=1),
    "zoom": augment.Zoom((0.6, 0.8)),
    "rotate": augment.Rotate((15, 30)),
    "shear": augment.Shear((15, 25)),
    "elastic": augment.Elastic(alpha=14, sigma=12),
    "cut-out": augment.CutOut(90),
    "crop": augment.Crop(200, padding=50),
    "contrast": augment.Contrast((0.3, 0.4)),
    "brightness": augment.Brightness((0.25, 0.35)),
    "noise": augment.Noise(0.15),
}
TRAINING = augment.Compose(augment.Shift(0.15), augment.Rotate(20))
TESTS = {
    "as they are": lambda x, rng: x,
    "moved": augment.Shift(0.15),
    "turned": augment.Rotate(30),
}


def flower():
    """A photograph (1, 3, 200, 200) that comes with scikit-learn."""
    from sklearn.datasets import load_sample_image

    pixels = load_sample_image("flower.jpg")[60:260, 180:380]
    return (pixels.transpose(2, 0, 1)[None] / 255).astype(np.float32)


def trained(x, y, epochs, **how):
    manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dense(64, activation="relu"),
        nn.Dense(10),
    )
    model.compile(partial(optim.Adam, lr=3e-3), metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0, **how)
    return model


def run(out, quick=False):
    data, (x_test, y_test) = _digits.load()
    epochs = 8 if quick else 40
    models = {
        "learnt as they are": trained(*data, epochs),
        "learnt augmented": trained(*data, epochs, augment=TRAINING),
    }
    accuracy = {}
    print("accuracy on test digits" + "".join(f"{name:>14}" for name in TESTS))
    changed = [change(x_test, np.random.default_rng(0)) for change in TESTS.values()]
    for name, model in models.items():
        accuracy[name] = [model.evaluate(images, y_test)[1] for images in changed]
        print(f"{name:<23}" + "".join(f"{a:14.1%}" for a in accuracy[name]))

    rng = np.random.default_rng(0)
    shown = np.concatenate([change(flower(), rng) for change in CHANGES.values()])
    with viz.panels(2, size=(5, 4), path=out / "augmentation.png") as (left, right):
        viz.images(shown, list(CHANGES), columns=4, ax=left)
        viz.bars(list(TESTS), accuracy, xlabel="test digits", ylabel="accuracy", ax=right)
        right.legend(loc="lower left", frameon=True)
    return {name: dict(zip(TESTS, found)) for name, found in accuracy.items()}


if __name__ == "__main__":
    main(run)
