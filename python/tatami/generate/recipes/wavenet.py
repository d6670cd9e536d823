"""WaveNet: notes and gliding tones, made sample by sample."""

import numpy as np

from ...data import sound_folder, write_wav
from ...models import WaveNet
from .. import sounds

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
    """Sounds of one class after the other; all on the picture are in ``samples.wav``."""
    count = min(count, 8)
    label = np.arange(count) % model.voice.num_embeddings
    made = model.sample(count, sounds.RATE, label, rng=rng)
    write_wav(path.with_name("samples.wav"), sounds.after_each_other(made), sounds.RATE)
    sounds.picture(made, path)
