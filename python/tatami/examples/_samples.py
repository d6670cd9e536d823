"""What examples of GANs have in common: how they learn digits, and what is said of samples."""

import numpy as np

from tatami import manual_seed, metrics, viz
from tatami.examples import _digits
from tatami.generate.recipes._images import doubled


def digits(quick=False):
    """Digits of 16x16: images and labels to learn from, other images, and an eye for them."""
    (x, y), (real, _) = _digits.load()
    x, real = doubled(x), doubled(real)
    return x, y, real, _digits.eye(x, y, epochs=8 if quick else 30)


def learnt(recipe, data, quick, steps):
    """The recipe's model of the data, and its history; a quick one's epochs have few ``steps``."""
    manual_seed(0)
    model = recipe.model(*data)
    how = {"steps_per_epoch": steps, "epochs": 4} if quick else {"epochs": recipe.EPOCHS}
    return model, model.fit(*data, batch_size=recipe.BATCH_SIZE, verbose=0, **how).history


def judged(eye, made, real):
    """What the classifier ``eye`` sees in samples, next to real images that it has not learnt.

    All samples are counted by class; features are compared with as many as there are real ones.
    """
    probabilities = eye.probabilities(made)
    ours, theirs = eye.features(made[: len(real)]), eye.features(real)
    counts = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    precision, recall = metrics.precision_recall(theirs, ours)
    return {
        "smallest_class": int(counts.min()),
        "classifier_score": metrics.classifier_score(probabilities),
        "frechet_distance": metrics.frechet_distance(theirs, ours),
        "precision": precision,
        "recall": recall,
    }


def table(rows):
    """Prints what :func:`judged` gave, by name."""
    width = max(map(len, rows))
    names = next(iter(rows.values()))
    print(" " * width + "".join(f"{name.replace('_', ' '):>18}" for name in names))
    for name, numbers in rows.items():
        print(f"{name:<{width}}" + "".join(f"{number:>18.3g}" for number in numbers.values()))


def game(history, losses, balance):
    """Two panels by epoch: the losses, and what the discriminator thinks."""
    epochs = range(1, len(history["d_loss"]) + 1)
    names = {"d_loss": "discriminator", "g_loss": "generator"}
    shown = {label: history[name] for name, label in names.items()}
    viz.lines(epochs, shown, title="losses", xlabel="epoch", ax=losses)
    shown = {"of real images": history["d_real"], "of made ones": history["d_fake"]}
    viz.lines(epochs, shown, title="D: how real they look", xlabel="epoch", ax=balance)
    balance.set_ylim(0, 1)
    for ax in (losses, balance):
        viz.style.frame(ax, whole=True)
