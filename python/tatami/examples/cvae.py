"""The conditional variational autoencoder: digits that are asked for.

Encoder and decoder are both told the label. What it says need not be in the code, which is left
with what else there is to an image: how bold, how slanted, how wide. So any code can be decoded as
any digit, and all of them come out in one hand.
"""

import numpy as np

from tatami import manual_seed, viz
from tatami.examples import _digits, main
from tatami.models import ConditionalVAE, DenseVAE


def trained(model, *data, epochs):
    model.compile()
    model.fit(*data, batch_size=64, epochs=epochs, verbose=0)
    return model


def told(codes, digits):
    """How often the nearest other code is one of the same digit."""
    apart = ((codes[:, None] - codes) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.mean(digits[apart.argmin(axis=1)] == digits)


def run(out, quick=False):
    train, (test, digits) = _digits.load()
    epochs = 20 if quick else 100
    eye = _digits.eye(*train, epochs=3 if quick else 30)
    manual_seed(0)
    plain = trained(DenseVAE((1, 8, 8), 2), train[0], epochs=epochs)
    asked = trained(ConditionalVAE(10, (1, 8, 8), 2), *train, epochs=epochs)

    labels = np.arange(1000) % 10
    made = asked.sample(1000, labels, rng=np.random.default_rng(0))
    shown = {
        "agreement": np.mean(eye.probabilities(made).argmax(axis=1) == labels),
        "plain": told(plain.codes(test), digits),
        "asked": told(asked.codes(test, digits), digits),
    }
    print(f"a classifier sees the digit that was asked for in {shown['agreement']:.1%} of 1,000")
    print(f"nearest codes are of one digit without labels {shown['plain']:.0%}, told them ", end="")
    print(f"{shown['asked']:.0%}")

    walk = np.linspace(-2, 2, 10, dtype=np.float32)
    codes = np.column_stack([walk, walk]).repeat(10, axis=0)
    alike = asked.images(codes, labels[:100])
    with viz.panels(3, size=(4.0, 4.0), path=out / "cvae.png") as axes:
        viz.images(alike, columns=10, title="a way through the codes, as every digit", ax=axes[0])
        viz.scatter(plain.codes(test), digits, title="codes without labels", ax=axes[1])
        viz.scatter(asked.codes(test, digits), digits, title="codes beside labels", ax=axes[2])
    return shown


if __name__ == "__main__":
    main(run)
