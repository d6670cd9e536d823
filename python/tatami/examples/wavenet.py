"""WaveNet: a sound goes on, one sample after the other.

A network hears an eighth of a second and tells the probabilities of the next sample, one of 256
levels; drawn by them and heard in turn, samples become a sound. It has learnt notes and chirps, and
can be given the beginning of one that it has never heard, or the name of a kind alone. What a layer
computed once is kept in a queue: a step costs one column of each, and not a bit is different.
Notes go on; a chirp soon loses its way, for what the network hears then are its own small errors.
"""

import time

import numpy as np

from tatami import manual_seed, no_grad, viz
from tatami.data import write_wav
from tatami.examples import main
from tatami.generate.recipes import wavenet as recipe
from tatami.generate.subjects import sounds
from tatami.models import WaveNet, mu_law_encode
from tatami.models.wavenet import Steps

SHOWN = np.array([0, 4, 5, 6])  # the lowest and the highest note, and both chirps


def trained(x, kind, quick):
    """The recipe's model, or one that hears less and learns for a moment."""
    manual_seed(0)
    if quick:
        model = WaveNet(recipe.DILATIONS[:6], len(sounds.KINDS), channels=16)
        model.compile()
    else:
        model = recipe.model(x, kind)
    model.fit(x, kind, recipe.BATCH_SIZE, 2 if quick else recipe.EPOCHS, verbose=0)
    return model


def asked(model, kind, length=sounds.RATE):
    """The share of the model's sounds that are heard as the kinds (N,) that it was asked for."""
    made = model.sample(len(kind), length, kind, rng=np.random.default_rng(0))
    return np.mean(sounds.heard(made) == kind)


def speeds(model, length):
    """Samples a second of one sound, by queues and by the whole network at every step."""
    levels = np.full((1, model.receptive_field), 128)
    steps = Steps(model, 1, [0])

    def whole(_):
        with no_grad():
            return model(levels, np.zeros(1, int)).data[:, :, -1]

    def speed(step, count):
        start = time.perf_counter()
        for _ in range(count):
            step(levels[:, -1])
        return count / (time.perf_counter() - start)

    return {"by queues": speed(steps, length), "whole": speed(whole, max(length // 20, 5))}


def picture(real, made, begun, path):
    """Spectrograms: above what is real, below what went on after its beginning."""
    with viz.panels(len(real), 2, size=(2.7, 2.1), path=path) as axes:
        for k, ax in enumerate(axes):
            row, column = divmod(k, len(real))
            name = sounds.KINDS[SHOWN[column]]
            title = (f"{name}, real", f"{name}, continued")[row]
            sounds.spectrogram((real, made)[row][column], ax, title)
            if row:
                ax.axvline(begun / sounds.RATE, color="white", linewidth=1, linestyle=":")


def run(out, quick=False):
    x, kind = (part[: 112 if quick else None] for part in recipe.data(None, None))
    test, test_kind = sounds.sounds(7 if quick else 70, np.random.default_rng(1))
    model = trained(x, kind, quick)

    shown = {
        "uniform": np.log(256),
        "bigrams": sounds.bigram(mu_law_encode(x), mu_law_encode(test), 256),
        "WaveNet": model.evaluate(test, test_kind, batch_size=7),
    }
    print("negative log-likelihood of sounds never heard, nats a sample")
    for name, value in shown.items():
        print(f"  {name:<12}{value:8.3f}")
    shown["speed"] = speeds(model, 200 if quick else 4000)
    print("samples a second: " + ", ".join(f"{v:,.0f} {k}" for k, v in shown["speed"].items()))

    length, begun = sounds.RATE // (8 if quick else 1), sounds.RATE // (16 if quick else 4)
    shown["as asked"] = asked(model, test_kind, length)
    print(f"{shown['as asked']:.0%} of {len(test)} sounds are heard as the kind that was asked for")

    start = test[SHOWN, :begun]
    rng = np.random.default_rng(0)
    rest = model.sample(len(SHOWN), length - begun, SHOWN, start=start, rng=rng)
    made = np.concatenate([start, rest], axis=1)
    picture(test[SHOWN, :length], made, begun, out / "wavenet.png")
    write_wav(out / "wavenet.wav", sounds.after_each_other(made), sounds.RATE)
    return shown


if __name__ == "__main__":
    main(run)
