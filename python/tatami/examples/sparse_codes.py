"""Sparse codes: many of them, few at work, and each stands for something.

With 100 codes for 64 pixels nothing has to be left out, and an autoencoder may learn anything that
can be undone: its parts look like noise. A penalty on the codes that are at work makes it say an
image in few words, and the words become strokes and whole digits: by the Kullback-Leibler
divergence of every code's mean from a target rate (Ng, 2011), or by the L1 norm, which leaves most
of them exactly zero.
"""

import numpy as np

from tatami import manual_seed, viz
from tatami.examples import _digits, main
from tatami.models import SparseAutoencoder

PENALTIES = {
    "no penalty": {"weight": 0.0},
    "a mean of 0.05 each": {"rate": 0.05, "weight": 0.01},
    "L1": {"rate": None, "weight": 1e-3},
}


def parts(model, codes, count=40):
    """What single codes add to an image, of those that matter most: (count, 1, 8, 8)."""
    each = model.decoder[0][1].weight.data.T
    matters = codes.var(axis=0) * np.sum(each**2, axis=1)
    return each[np.argsort(-matters)[:count]].reshape(-1, 1, 8, 8)


def run(out, quick=False):
    (x, _), (test, _) = _digits.load()
    result = {}
    print("penalty                error a pixel   codes above 0.1, of 100")
    with viz.panels(3, size=(3.8, 2.0), path=out / "sparse_codes.png") as axes:
        for (name, penalty), ax in zip(PENALTIES.items(), axes):
            manual_seed(0)
            model = SparseAutoencoder((64, 100), **penalty)
            _digits.annealed(model, x, epochs=20 if quick else 100, lr=5e-3)
            codes = model.encoder.predict(test)
            result[name] = model.errors(test).mean(), (codes > 0.1).sum(axis=1).mean()
            print("{:22}{:14.4f}{:14.1f}".format(name, *result[name]))
            shown = parts(model, codes).clip(0)
            viz.images(shown, columns=10, each=True, title=name, ax=ax)
    return result


if __name__ == "__main__":
    main(run)
