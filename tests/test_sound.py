"""WAV files: what is written is read again, whatever others wrote, and folders of them."""

import re
import wave

import numpy as np
import pytest

from tatami.data import read_wav, sound_folder, write_wav
from tatami.data.sound import resampled


def tone(hertz, rate, seconds=1.0, loud=0.5):
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype("f")


def raw(path, data, channels, width, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", None))
        file.writeframes(data)


def test_what_is_written_is_read(tmp_path):
    x = np.array([-2, -1, -0.3, 0, 0.7, 1, 2], np.float32)
    write_wav(tmp_path / "x.wav", x, 4000)
    again, rate = read_wav(tmp_path / "x.wav")
    assert rate == 4000 and again.dtype == np.float32
    np.testing.assert_allclose(again, x.clip(-1, 1), atol=5e-5)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width(tmp_path, width):
    whole = np.array([-(2 ** (8 * width - 1)), -3, 0, 5, 2 ** (8 * width - 1) - 1])
    data = b"".join(
        int(v + (128 if width == 1 else 0)).to_bytes(width, "little", signed=width > 1)
        for v in whole
    )
    raw(tmp_path / "x.wav", data, 1, width)
    np.testing.assert_allclose(read_wav(tmp_path / "x.wav")[0], whole / 2 ** (8 * width - 1))


def test_channels_become_their_mean(tmp_path):
    raw(tmp_path / "x.wav", np.array([[0, 16384], [16384, -16384]], "<i2").tobytes(), 2, 2)
    np.testing.assert_array_equal(read_wav(tmp_path / "x.wav")[0], [0.25, 0])


@pytest.mark.parametrize(("before", "after"), [(8000, 4000), (4000, 8000), (44100, 8000)])
def test_another_rate_is_the_same_sound(before, after):
    y = resampled(tone(300, before), before, after)
    np.testing.assert_allclose(y, tone(300, after), atol=1e-3)
    assert y.dtype == np.float32
    unheard = resampled(tone(0.6 * after, max(before, 2 * after)), max(before, 2 * after), after)
    assert np.abs(unheard).max() < 1e-3


@pytest.mark.parametrize("x", [np.zeros((5, 2)), np.float32(1), np.array([0, np.nan])])
def test_what_is_no_wave_is_not_written(tmp_path, x):
    with pytest.raises(ValueError, match="write_wav: .* got shape " + re.escape(str(x.shape))):
        write_wav(tmp_path / "x.wav", x, 8000)
    assert not (tmp_path / "x.wav").exists()


def test_a_file_without_sound_is_refused(tmp_path):
    raw(tmp_path / "x.wav", b"", 1, 2)
    with pytest.raises(ValueError, match="read_wav: the file holds 0 bytes"):
        read_wav(tmp_path / "x.wav")


def test_a_folder_of_sounds(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    write_wav(tmp_path / "b" / "long.wav", tone(200, 8000, 2.5), 8000)
    write_wav(tmp_path / "a" / "short.WAV", tone(200, 4000, 0.3), 4000)
    (tmp_path / "a" / "notes.txt").write_text("no sound")
    (tmp_path / "b" / "broken.wav").write_bytes((tmp_path / "b" / "long.wav").read_bytes()[:900])
    (tmp_path / "b" / "empty.wav").write_bytes(b"")
    (tmp_path / "b" / "text.wav").write_text("this is no sound, whatever its name says")
    with pytest.warns(UserWarning, match=r"sound_folder: .*\.wav is skipped") as warned:
        x, y = found = sound_folder(tmp_path, rate=4000, length=4000)
    names = ("broken", "empty", "text")
    assert all(name in str(each.message) for name, each in zip(names, warned, strict=True))
    assert x.shape == (3, 4000) and x.dtype == np.float32
    assert found.classes == ("a", "b") and y.tolist() == [0, 1, 1]
    np.testing.assert_allclose(x[0, :1200], tone(200, 4000, 0.3), atol=1e-4)
    assert not x[0, 1200:].any()
    np.testing.assert_allclose(x[1], tone(200, 4000), atol=0.02)


def test_what_is_no_folder_of_sounds_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        sound_folder(tmp_path / "none")
    with pytest.raises(ValueError, match=r"none of 0 files below .* is a WAV file"):
        sound_folder(tmp_path)
    for sizes in ({"rate": 0}, {"length": 0}):
        with pytest.raises(ValueError, match=r"sound_folder: rate=.* must be at least 1"):
            sound_folder(tmp_path, **sizes)
