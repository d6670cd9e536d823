"""WaveNet: notes and gliding tones, made sample by sample."""

import numpy as np

from ...data import sound_folder, write_wav
from ...models import WaveNet
from ..subjects import sounds

EPOCHS, BATCH_SIZE = 6, 4
DILATIONS = [2**k for k in range(9)]  # the last 512 samples count: an eighth of a second
LENGTH = sounds.RATE // 4  # of what is learnt from at a time


def data(folder, size):
    """Quarters of seconds (N, 1000): notes and chirps by formula, or of a folder's WAV files."""
    if folder is not None:
        return sound_folder(folder, sounds.RATE, LENGTH)
    x, kind = sounds.sounds(280, np.random.default_rng(0))
    return x.reshape(-1, LENGTH), np.repeat(kind, sounds.RATE // LENGTH)


def model(x, y):
    made = WaveNet(DILATIONS, int(y.max()) + 1)
    made.compile()
    return made


def show(model, data, path, count, rng):
    """One of each class in turn: the first eight as a picture, all in the WAV file beside it."""
    label = np.arange(count) % model.voice.num_embeddings
    made = model.sample(count, sounds.RATE, label, rng=rng)
    beside = path.with_name(path.stem.lstrip(".") + ".wav")
    write_wav(beside, sounds.after_each_other(made), sounds.RATE)
    sounds.picture(made[:8], path)
