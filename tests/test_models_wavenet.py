"""WaveNet: levels, what a sample depends on, and generation by queues."""

import numpy as np
import pytest

import tatami
from learning import assert_threads_change_no_bit
from tatami import Tensor, nn, no_grad
from tatami.__main__ import main
from tatami.data import read_wav, write_wav
from tatami.generate import pictures
from tatami.generate.recipes import wavenet as recipe
from tatami.generate.subjects import sounds
from tatami.models import WaveNet, mu_law_decode, mu_law_encode
from tatami.models.wavenet import Steps

DILATIONS = [1, 2, 4, 8, 1, 2]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def small(classes=None, **how):
    tatami.manual_seed(0)
    return WaveNet(DILATIONS, classes, **{"channels": 7, "skip": 10, **how})


def logits(model, levels, label=None):
    with no_grad():
        return model(levels, label).data


# Levels


def test_every_level_comes_back():
    levels = np.arange(256)
    x = mu_law_decode(levels)
    np.testing.assert_array_equal(mu_law_encode(x), levels)
    np.testing.assert_allclose(x, -x[::-1], atol=1e-7)
    assert (np.diff(x) > 0).all() and x[0] == -1 and x[-1] == 1 and x.dtype == np.float32


def test_levels_are_finer_the_nearer_to_silence():
    x = np.linspace(-1, 1, 10_001)
    error = np.abs(mu_law_decode(mu_law_encode(x)) - x)
    step = np.log(256) / 255 * (1 + 255 * np.abs(x)) / 255  # the slope of the inverse, a level
    assert (error < 0.52 * 2 * step).all()
    assert error[np.abs(x) < 0.01].max() < 0.001 < error.max() < 0.025


def test_levels_by_the_formula():
    x = np.array([-2, -1, -0.1, 0, 0.5, 1, 2])
    y = np.sign(x) * np.log(1 + 255 * np.abs(x)) / np.log(256)
    want = np.round((np.clip(y, -1, 1) + 1) / 2 * 255 + 1e-9)
    np.testing.assert_array_equal(mu_law_encode(x), want)


# What a sample depends on


@pytest.mark.parametrize("dilations", [[1], [1, 2, 4], [1, 3, 2], DILATIONS])
def test_the_receptive_field_by_gradients(rng, dilations):
    tatami.manual_seed(0)
    model = WaveNet(dilations, channels=6, skip=10)
    field = model.receptive_field
    assert field == 1 + sum(dilations)
    length, t = 3 * field, 2 * field
    h = Tensor(rng.standard_normal((1, 6, length), np.float32), requires_grad=True)
    model.logits(h)[:, :, t].sum().backward()
    reached = np.flatnonzero(np.abs(h.grad.data).sum(axis=(0, 1)))
    np.testing.assert_array_equal(reached, np.arange(t - field + 1, t + 1))


def test_the_future_does_not_change_the_past(isa, rng):
    model = small()
    levels = rng.integers(0, 256, (2, 60))
    other = levels.copy()
    other[:, 40:] = rng.integers(0, 256, (2, 20))
    before, after = logits(model, levels), logits(model, other)
    np.testing.assert_array_equal(before[:, :, :40], after[:, :, :40])
    assert (before[:, :, 40] != after[:, :, 40]).any()


def test_nothing_older_than_the_receptive_field_counts(isa, rng):
    model = small()
    levels = rng.integers(0, 256, (2, 60))
    np.testing.assert_array_equal(
        logits(model, levels)[:, :, model.receptive_field - 1 + 7 :],
        logits(model, levels[:, 7:])[:, :, model.receptive_field - 1 :],
    )


def test_the_first_sample_is_told_from_silence(rng):
    model = small()
    x = mu_law_decode(rng.integers(0, 256, (1, 30)))
    past = np.concatenate([[[128]], mu_law_encode(x)[:, :-1]], axis=1)
    z = logits(model, past)[0].astype(np.float64)
    log_p = z - np.log(np.exp(z).sum(axis=0))
    want = -log_p[mu_law_encode(x)[0], np.arange(30)].mean()
    with no_grad():
        assert model.test_step(Tensor(x))["loss"].item() == pytest.approx(want, rel=1e-5)


def test_classes(rng):
    model = small(classes=3)
    levels = np.broadcast_to(rng.integers(0, 256, 20), (3, 20))
    one, *others = logits(model, levels, np.arange(3))
    assert all((one != other).any() for other in others)
    with pytest.raises(ValueError, match="needs labels"):
        model(levels)


# Generation


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize(("count", "length"), [(1, 1), (1, 40), (2, 17), (3, 100), (5, 33)])
def test_queues_give_the_bits_of_the_whole_network(isa, rng, classes, count, length):
    model = small(classes)
    label = None if classes is None else rng.integers(0, classes, count)
    levels = rng.integers(0, 256, (count, length))
    steps = Steps(model, count, label)
    told = np.stack([steps(each) for each in levels.T], axis=2)
    np.testing.assert_array_equal(told, logits(model, levels, label))


@pytest.mark.parametrize(("channels", "skip"), [(24, 64), (32, 48)])
def test_queues_at_the_sizes_that_are_trained(isa, rng, channels, skip):
    model = small(channels=channels, skip=skip)
    levels = rng.integers(0, 256, (2, 300))
    steps = Steps(model, 2)
    told = np.stack([steps(each) for each in levels.T], axis=2)
    np.testing.assert_array_equal(told, logits(model, levels))


def test_samples_go_on_after_a_start():
    model = small()
    at = [np.random.default_rng(seed) for seed in (0, 0, 0, 1)]
    first, same, other = (model.sample(2, 30, rng=at[k]) for k in (0, 1, 3))
    assert first.shape == (2, 30) and first.dtype == np.float32 and np.abs(first).max() <= 1
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()

    rng = at[2]
    head = model.sample(2, 12, rng=rng)
    tail = model.sample(2, 18, start=head, rng=rng)
    np.testing.assert_array_equal(np.concatenate([head, tail], axis=1), first)
    assert model.sample(3, 5, start=head[0], rng=rng).shape == (3, 5)


def test_samples_follow_the_probabilities():
    model = small()
    made = mu_law_encode(model.sample(20_000, 1, rng=np.random.default_rng(0))[:, 0])
    z = logits(model, np.array([[128]]))[0, :, 0]
    p = np.exp(z) / np.exp(z).sum()
    share = np.bincount(made, minlength=256) / len(made)
    assert np.abs(share - p).max() < 5 * np.sqrt(p.max() / len(made))


# Training


def tones(rng, count=6, length=120):
    t = np.arange(length) + rng.uniform(0, 60, (count, 1))
    return (0.8 * np.sin(2 * np.pi * t / 20)).astype(np.float32), np.arange(count) % 3


def trained(rng, epochs=2, **how):
    model = small(classes=3, **how)
    model.compile()
    history = model.fit(*tones(rng), batch_size=2, epochs=epochs, verbose=0)
    return model, history.history["loss"]


def test_it_learns_a_tone(rng):
    _, losses = trained(rng, epochs=40, channels=16)
    assert losses[0] > 4 and losses[-1] < 3.5


def test_threads_change_no_bit():
    assert_threads_change_no_bit(lambda: trained(np.random.default_rng(0))[0])


def test_saved_and_loaded(tmp_path, rng):
    model, _ = trained(rng, epochs=1)
    nn.save_model(model, tmp_path / "wavenet.safetensors")
    loaded = nn.load_model(tmp_path / "wavenet.safetensors")
    made = [m.sample(2, 20, [0, 2], rng=np.random.default_rng(0)) for m in (model, loaded)]
    np.testing.assert_array_equal(*made)


# The recipe


def test_the_recipe_learns_from_a_folder(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(recipe, "DILATIONS", [1, 2])
    monkeypatch.setattr(pictures, "COUNT", 3)
    (tmp_path / "mine").mkdir()
    time = np.arange(8000) / 8000
    write_wav(tmp_path / "mine" / "tone.wav", np.sin(2 * np.pi * 300 * time), 8000)
    (tmp_path / "mine" / "broken.wav").write_bytes(b"RIFF")
    out = tmp_path / "out"
    how = ["--data", str(tmp_path / "mine"), "--out", str(out), "--epochs", "1"]
    with pytest.warns(UserWarning, match=r"broken\.wav is skipped"):
        assert main(["generate", "wavenet", *how]) == 0
    assert "4 examples of 1000" in capsys.readouterr().out
    assert (out / "samples.png").read_bytes()[:4] == b"\x89PNG"
    x, rate = read_wav(out / "samples.wav")
    assert rate == sounds.RATE and len(x) == 3 * rate * 6 // 5 and np.abs(x).max() > 0
    assert main(["sample", str(out), "--count", "2"]) == 0
    assert len(read_wav(out / "sampled.wav")[0]) == 2 * rate * 6 // 5


def test_sounds_are_heard_as_what_they_are(rng):
    x, kind = sounds.sounds(14, rng)
    assert x.shape == (14, sounds.RATE) and x.dtype == np.float32 and np.abs(x).max() <= 0.8
    np.testing.assert_array_equal(sounds.heard(x), kind)
    notes = kind < len(sounds.NOTES)
    hertz = np.array([*sounds.NOTES.values()])[kind[notes]]
    np.testing.assert_allclose(sounds.pitch(x[notes]), hertz, atol=0.5)


def test_bigrams_of_a_known_chain(rng):
    levels = rng.integers(0, 2, (2, 20_000))
    assert sounds.bigram(levels, levels, 2) == pytest.approx(np.log(2), rel=1e-3)
    turning = np.arange(5000)[None] % 4
    assert sounds.bigram(turning, turning, 4) < 1e-3
