"""Sounds by formula, seven kinds of them: five notes, and chirps that rise and fall."""

import numpy as np

from ... import viz

RATE = 4000  # samples a second
NOTES = {"A3": 220.0, "C4": 261.6, "D4": 293.7, "E4": 329.6, "G4": 392.0}  # in hertz
HARMONICS = 0.5, 0.2, 0.1  # how loud each is
KINDS = (*NOTES, "rising", "falling")


def sounds(count, rng, length=RATE):
    """Waves (N, length) from -1 to 1 and their kinds (N,): three harmonics each, phases by chance.

    The frequency f_0 r^t is that of a note, or within a second goes up or down, by 3 to 4 times.
    """
    kind = np.arange(count) % len(KINDS)
    low, ratio = rng.uniform(120, 160, count), rng.uniform(3, 4, count)
    notes = np.array([*NOTES.values(), 0, 0])[kind]
    rising, falling = kind == len(NOTES), kind == len(NOTES) + 1
    first = np.where(rising, low, np.where(falling, low * ratio, notes))
    ratio = np.where(rising, ratio, np.where(falling, 1 / ratio, 1))
    time = np.arange(length) / RATE
    turns = np.cumsum(first[:, None] * ratio[:, None] ** time, axis=1) / RATE
    x = np.zeros((count, length))
    for k, loud in enumerate(HARMONICS, 1):
        x += loud * np.sin(2 * np.pi * (k * turns + rng.uniform(0, 1, (count, 1))))
    return x.astype(np.float32), kind


def pitch(x):
    """The frequency (N,) in hertz that is loudest in waves (N, T)."""
    size = 8 * x.shape[1]
    spectrum = np.abs(np.fft.rfft(x * np.hanning(x.shape[1]), size))
    return spectrum.argmax(axis=1) * RATE / size


def heard(x):
    """The kind (N,) that each wave sounds like, by its pitch in the first and the last quarter."""
    quarter = x.shape[1] // 4
    first, last = np.maximum(pitch(x[:, :quarter]), 1), np.maximum(pitch(x[:, -quarter:]), 1)
    note = np.abs(np.log(np.array([*NOTES.values()]) / pitch(x)[:, None].clip(1))).argmin(axis=1)
    change = np.log(last / first)
    moved = np.where(change > 0, len(NOTES), len(NOTES) + 1)
    return np.where(np.abs(change) > np.log(1.3), moved, note)


def bigram(train, test, levels):
    """Nats a level of ``test`` (N, T), each given the one before as counted in ``train``."""
    counts = np.full((levels, levels), 0.1)
    np.add.at(counts, (train[:, :-1].ravel(), train[:, 1:].ravel()), 1)
    share = counts / counts.sum(axis=1, keepdims=True)
    return -np.log(share[test[:, :-1], test[:, 1:]]).mean()


def loudness(x, window=256, hop=25):
    """Decibels (frequencies, times) of a wave (T,), 0 for the loudest and -60 at least."""
    x = np.pad(x, window // 2, "reflect")
    frames = np.lib.stride_tricks.sliding_window_view(x, window)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window))).T ** 2
    return 10 * np.log10(np.maximum(power / max(power.max(), 1e-12), 1e-6))


def spectrogram(x, ax, title=None):
    """What frequencies a wave (T,) has, from 0 upwards, and when."""
    place = {"extent": (0, len(x) / RATE, 0, RATE / 2000), "origin": "lower", "aspect": "auto"}
    ax.imshow(loudness(x), cmap="magma", interpolation="bilinear", **place)
    ax.grid(False)
    ax.set(title=title, xlabel="seconds", ylabel="kHz")


def picture(x, path):
    """Waves (N, T): of each 25 ms from its middle, and below them its spectrogram."""
    columns = min(len(x), 4)
    rows = -(-len(x) // columns)
    with viz.panels(columns, 2 * rows, size=(2.6, 1.6), path=path) as axes:
        for k in range(rows * columns):
            above, below = (axes[(k // columns * 2 + j) * columns + k % columns] for j in (0, 1))
            if k >= len(x):
                above.set_visible(False)
                below.set_visible(False)
                continue
            middle = x[k, len(x[k]) // 2 :][: RATE // 40]
            above.plot(1000 * np.arange(len(middle)) / RATE, middle)
            above.set(ylim=(-1, 1), xlabel="milliseconds")
            spectrogram(x[k], below)


def after_each_other(x, pause=0.2):
    """Waves (N, T) as one, with silence between."""
    return np.pad(x, ((0, 0), (0, round(pause * RATE)))).ravel()
