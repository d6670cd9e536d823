"""The variational autoencoder: a map on which neighbours look alike.

The encoder answers with a cloud instead of a point, and the loss keeps all clouds close to one
ball, so that there are no gaps: whatever code is drawn, some image belongs to it, and on the way
from one to the other every step does (Kingma and Welling, 2014). The loss is a bound on how
surprising an image is, in nats. What grey pixels as such are uncertain of is its floor; an image
that knows nothing, the mean of all, is what it has to beat. Where codes cost less than their due (β
below 1), they say more, and images are sharper.
"""

import numpy as np

from tatami import functional as F
from tatami import manual_seed, viz
from tatami.examples import _digits, main
from tatami.generate.recipes.vae import chart
from tatami.models import DenseVAE


def surprise(x, p):
    """Nats an image of pixels ``x`` where ``p`` was expected."""
    expected = np.ascontiguousarray(np.broadcast_to(p, x.shape))
    return F.binary_cross_entropy(expected, x, reduction="sum").item() / len(x)


def trained(x, latent, epochs, beta=1.0):
    manual_seed(0)
    model = DenseVAE(x.shape[1:], latent, beta=beta)
    model.compile()
    model.fit(x, batch_size=64, epochs=epochs, verbose=0)
    return model


def ways(model, first, last, steps):
    """Images on the straight lines between the codes of two batches."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    ends = zip(model.codes(first), model.codes(last))
    return np.concatenate([model.images(a + share * (b - a)) for a, b in ends])


def run(out, quick=False):
    (x, _), (test, digits) = _digits.load()
    epochs = 25 if quick else 100
    nats = {"floor": surprise(test, test), "mean image": surprise(test, x.mean(axis=0))}
    print("test images, in nats     surprise = pixels + code")
    flat, deep, free = (trained(x, *how) for how in ((2, epochs), (8, epochs), (8, epochs, 0.25)))
    for name, model in {"2 codes": flat, "8 codes": deep, "8 codes, β = 1/4": free}.items():
        found = model.evaluate(test, batch_size=len(test), return_dict=True)
        nats[name] = found["reconstruction"] + found["kl"]
        print(f"{name:<24}{nats[name]:9.2f} ={found['reconstruction']:7.2f} +{found['kl']:5.2f}")
    for name in ("mean image", "floor"):
        print(f"{name:<24}{nats[name]:9.2f}")

    first = test[[np.flatnonzero(digits == digit)[0] for digit in range(10)]]
    between = ways(free, first, np.roll(first, -1, axis=0), 10)
    with viz.panels(3, size=(4.2, 4.0), path=out / "vae.png") as axes:
        plane = chart(flat, 16, np.eye(2))
        viz.images(plane, columns=16, title="the plane of codes as a map", ax=axes[0])
        viz.scatter(flat.codes(test), digits, title="where the test digits lie", ax=axes[1])
        viz.images(between, columns=10, title="ways between digits, 8 codes", ax=axes[2])
    return nats


if __name__ == "__main__":
    main(run)
