"""Sounds of one's own: WAV files below a folder, read and written by the standard library."""

import wave

import numpy as np

from .datasets.labelled import Labelled
from .folder import labelled_files


def sound_folder(folder, rate=8000, length=8000):
    """The WAV files below ``folder`` in pieces: x (N, length) from -1 to 1, y (N,).

    Each is brought to ``rate`` samples a second, its channels to their mean, and cut into pieces;
    a rest is left out, and a file that is shorter than a piece ends in silence. Subfolders are
    classes, as in :func:`image_folder`; a broken file is named in a warning and skipped.
    """
    if min(rate, length) < 1:
        raise ValueError(f"sound_folder: rate={rate} and length={length} must be at least 1")

    def read(file):
        return _pieces(resampled(*read_wav(file), rate), length)

    errors = (OSError, ValueError, EOFError, wave.Error)
    found, names = labelled_files("sound_folder", "a WAV file", folder, {".wav"}, read, errors)
    classes = sorted(set(names))
    rows = [classes.index(name) for name in names]
    y = np.repeat(np.array(rows, np.int64), [len(pieces) for pieces in found])
    return Labelled(np.concatenate(found), y, classes)


def read_wav(path):
    """The wave (T,) float32 from -1 to 1 in a WAV file of 8 to 32 bits, and its rate."""
    with wave.open(str(path)) as file:
        channels, width, rate, frames = file.getparams()[:4]
        data = np.frombuffer(file.readframes(frames), np.uint8)
    if not frames or data.size != frames * channels * width:
        raise ValueError(
            f"read_wav: the file holds {data.size} bytes of the {frames * channels * width} of its "
            "sound"
        )
    if width == 1:  # the only ones without a sign
        x = data / 128 - 1
    else:
        whole = np.zeros((data.size // width, 4), np.uint8)
        whole[:, 4 - width :] = data.reshape(-1, width)
        x = whole.view("<i4") / 2**31
    return x.reshape(frames, channels).mean(axis=1).astype(np.float32), rate


def write_wav(path, x, rate):
    """Writes a wave (T,), cut to -1 to 1, with 16 bits a sample."""
    x = np.asarray(x)
    if x.ndim != 1 or np.isnan(x).any():
        raise ValueError(f"write_wav: x must be one wave (T,) without NaN, got shape {x.shape}")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", None))
        file.writeframes((np.clip(x, -1, 1) * 32767).round().astype("<i2").tobytes())


def resampled(x, before, after):
    """A wave (T,) of ``before`` samples a second with ``after``, without what cannot be heard."""
    count = max(round(len(x) * after / before), 1)
    if count == len(x):
        return x
    spectrum = np.fft.rfft(x)[: count // 2 + 1]
    return (np.fft.irfft(spectrum, count) * (count / len(x))).astype(np.float32)


def _pieces(x, length):
    x = np.pad(x, (0, max(length - len(x), 0)))
    return x[: len(x) // length * length].reshape(-1, length)
