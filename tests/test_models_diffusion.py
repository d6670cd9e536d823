"""Diffusion: the schedule, noise added and taken away, and a model that does so."""

from functools import partial

import numpy as np
import pytest

import tatami
from tatami import Tensor, autograd, nn, optim, training
from tatami.generate.recipes import diffusion as recipe
from tatami.models import Diffusion, diffusion
from tatami.models.diffusion import clean, cosine_schedule, deviation, less_noisy, noisy

A = cosine_schedule(1000)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def small(**how):
    tatami.manual_seed(0)
    return Diffusion(**{"classes": 3, "width": 8, "steps": 20, **how})


def images(rng, count=8, size=8):
    return rng.random((count, 1, size, size), np.float32), rng.integers(0, 3, count)


def trained(rng, epochs=2, **how):
    model = small(**how)
    model.compile()
    model.fit(*images(rng), batch_size=4, epochs=epochs, verbose=0)
    return model


def equal(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


# The schedule


def test_the_cosine_schedule():
    assert A.shape == (1001,) and A[0] == 1 and 0 < A[-1] < 1e-8
    assert (np.diff(A) < 0).all()
    b = 1 - A[1:] / A[:-1]
    assert 0 < b.min() < 1e-4 and b.max() == pytest.approx(0.999, abs=1e-12)
    t = np.arange(1000)  # all but the last, where 0.999 is the limit
    share = np.cos((t / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(A[:-1], share / np.cos(0.008 / 1.008 * np.pi / 2) ** 2, rtol=1e-9)


def test_few_steps_reach_noise_too():
    for steps in (1, 2, 10):
        assert cosine_schedule(steps)[-1] < 1.001e-3


# Noise added


@pytest.mark.parametrize("t", [1, 100, 600])
def test_single_steps_add_up_to_the_closed_form(rng, t):
    x = np.array([-1.0, 0.3, 1.0])
    chain = np.tile(x, (10_000, 1))
    for k in range(1, t + 1):
        b = 1 - A[k] / A[k - 1]
        chain = np.sqrt(1 - b) * chain + np.sqrt(b) * rng.standard_normal(chain.shape)
    at_once = noisy(x, rng.standard_normal(chain.shape), A[t])
    error = 4 * np.sqrt((1 - A[t]) / len(chain))  # four standard deviations of a mean
    for drawn in (chain, at_once):
        np.testing.assert_allclose(drawn.mean(axis=0), np.sqrt(A[t]) * x, atol=error)
        np.testing.assert_allclose(drawn.var(axis=0), 1 - A[t], rtol=0.08)


def test_clean_undoes_noisy(rng):
    x, noise = rng.standard_normal((2, 5))
    for a in A[1::100]:
        np.testing.assert_allclose(clean(noisy(x, noise, a), noise, a), x, rtol=1e-9)


# Noise taken away


def test_steps_of_eta_one_are_the_posterior(rng):
    """q(x_{t-1} | x_t, x_0), equations 6 and 7 of DDPM."""
    x, picture = rng.standard_normal((2, 5))
    for t in (1, 2, 500, 999, 1000):
        a, before = A[t], A[t - 1]
        b = 1 - a / before
        variance = (1 - before) / (1 - a) * b
        assert deviation(a, before, 1.0) ** 2 == pytest.approx(variance, rel=1e-9)
        mean = np.sqrt(before) * b * picture + np.sqrt(1 - b) * (1 - before) * x
        np.testing.assert_allclose(less_noisy(x, picture, a, before, 1.0), mean / (1 - a))


def test_steps_keep_the_distribution(rng):
    """Whatever eta, a step from q(x_t | x_0) leads to q(x_s | x_0) (DDIM, lemma 1)."""
    picture, (a, a_next) = np.array([-0.8, 0.5]), A[[700, 400]]
    x = noisy(picture, rng.standard_normal((50_000, 2)), a)
    for eta in (0.0, 0.5, 1.0):
        y = less_noisy(x, picture, a, a_next, eta, rng.standard_normal(x.shape))
        np.testing.assert_allclose(y.mean(axis=0), np.sqrt(a_next) * picture, atol=0.02)
        np.testing.assert_allclose(y.var(axis=0), 1 - a_next, rtol=0.03)


def told_by_an_oracle(monkeypatch, model, picture):
    """The model tells exactly the noise that hides the picture."""

    def noise(x, t, y, guidance):
        a = model.a[t]
        return (x - np.sqrt(a) * picture) / np.sqrt(1 - a)

    monkeypatch.setattr(model, "noise", noise)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("steps", [1, 7, 20])
def test_a_perfect_network_gives_the_picture_back(rng, monkeypatch, eta, steps):
    model, (x, _) = small(), images(rng)
    told_by_an_oracle(monkeypatch, model, 2 * x - 1)
    made = model.sample(len(x), steps=steps, eta=eta, rng=rng)
    # From noise at once the picture is divided by sqrt(a_T), and so is what float32 rounds.
    np.testing.assert_allclose(made, x, atol=1e-4 if steps == 1 else 1e-6)


def test_without_fresh_noise_the_first_noise_stays_to_the_end(rng, monkeypatch):
    model, (x, _) = small(), images(rng)
    picture = 2 * x - 1
    told_by_an_oracle(monkeypatch, model, picture)
    way = list(model.denoise(len(x), steps=20, rng=rng))
    first = (way[0] - np.sqrt(model.a[-1]) * picture) / np.sqrt(1 - model.a[-1])
    for t, x_t in zip(range(20, -1, -1), way, strict=True):
        np.testing.assert_allclose(x_t, noisy(picture, first, model.a[t]), atol=1e-5)


# The network


@pytest.mark.parametrize("size, levels", [(8, 1), (8, 2), (12, 3)])
def test_shapes(rng, size, levels):
    model = trained(rng, epochs=0, size=size, levels=levels)
    made = model.sample(5, [0, 1, 2, 2, 1], steps=2, rng=rng)
    assert made.shape == (5, 1, size, size) and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    assert model.sample(2, steps=1, rng=rng).shape == (2, 1, size, size)


def test_a_size_that_cannot_be_halved():
    with pytest.raises(ValueError, match="size 10 cannot be halved 2 times"):
        Diffusion(size=10, levels=3)


def test_in_double_precision(rng):
    model = small().double()
    model.compile()
    model.fit(*images(rng), epochs=1, verbose=0)
    assert model.sample(2, 1, steps=2, rng=rng).dtype == np.float64


def test_gradients(rng):
    network = diffusion.Denoiser(width=8, classes=2, levels=2).double()
    t, y = np.array([3, 900]), np.array([0, 2])
    for p in network.parameters():  # zeros hide what is before them
        p.data[...] = rng.standard_normal(p.shape) * 0.3
    autograd.check_grads(lambda x: network(x, t, y), [rng.standard_normal((2, 1, 4, 4))])


def test_waves():
    told = diffusion.waves([0, 1, 500], 8)
    assert told.shape == (3, 8)
    np.testing.assert_array_equal(told[0], [0, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(told[2, [1, 5]], [np.sin(50), np.cos(50)])


def test_guidance(rng):
    model = trained(rng)
    x, y = rng.standard_normal((3, 1, 8, 8), np.float32), np.array([0, 1, 2])
    any_class = np.full(3, model.classes)

    def told(y, guidance):
        return model.noise(x, 7, y, guidance)

    free, asked = told(any_class, 1), told(y, 1)
    assert np.abs(free - asked).max() > 1e-4, "the class makes a difference"
    np.testing.assert_array_equal(told(y, 0), free)
    np.testing.assert_array_equal(told(any_class, 3), free)
    np.testing.assert_allclose(told(y, 3), 3 * asked - 2 * free, atol=1e-5)


def test_the_generator_decides_alone(rng):
    model = trained(rng)

    def drawn(seed, **how):
        return model.sample(2, 1, steps=5, rng=np.random.default_rng(seed), **how)

    for eta in (0.0, 1.0):
        np.testing.assert_array_equal(drawn(0, eta=eta), drawn(0, eta=eta))
        assert (drawn(0, eta=eta) != drawn(1, eta=eta)).any()
    rng, alone = np.random.default_rng(0), np.random.default_rng(0)
    model.sample(2, steps=5, rng=rng)
    alone.standard_normal((2, 1, 8, 8), np.float32)
    assert rng.random() == alone.random(), "DDIM draws its first noise and no more"


# Training


def test_the_average_follows_the_weights(rng):
    model = small(decay=0.5)
    model.compile()
    x, y = images(rng)
    average = None
    for n in range(15):
        model.fit(x, y, batch_size=8, epochs=1, verbose=0)
        weights = model.network.state_dict()["first.weight"]
        decay = min(0.5, n / (n + 10))
        average = weights if average is None else decay * average + (1 - decay) * weights
        found = model.average.state_dict()["first.weight"]
        np.testing.assert_allclose(found, average, rtol=1e-5, atol=1e-7)
    assert model.updates.item() == 15 and (found != weights).any()


def test_labels_are_withheld(rng, monkeypatch):
    model, (x, _) = small(drop=0.25), images(rng, 4000)
    seen = []
    monkeypatch.setattr(
        model, "average", lambda x, t, y: seen.append((t, y)) or Tensor(np.zeros_like(x.data))
    )
    y = np.full(len(x), 1)
    loss = model._loss(model.average, Tensor(x), Tensor(y), rng, model.drop)
    assert loss.item() == pytest.approx(1, rel=0.02), "the noise's own variance"
    (t, labels), *_ = seen
    assert np.mean(labels == model.classes) == pytest.approx(0.25, abs=0.03)
    assert set(labels) == {1, model.classes} and set(t) == set(range(1, 21))


def test_without_labels(rng):
    model = small(classes=0)
    model.compile()
    model.fit(images(rng)[0], epochs=1, verbose=0)
    assert model.sample(2, steps=2, rng=rng).shape == (2, 1, 8, 8)


def test_it_learns_two_pictures():
    rng = np.random.default_rng(0)
    pictures = np.zeros((2, 1, 4, 4), np.float32)
    pictures[0, :, :2], pictures[1, :, :, 2:] = 1, 1
    tatami.manual_seed(0)
    model = Diffusion(size=4, classes=2, width=16, levels=1, decay=0.9)
    model.compile(partial(optim.Adam, lr=5e-3))
    y = np.arange(64) % 2
    model.fit(pictures[y], y, batch_size=32, epochs=80, verbose=0)
    made = model.sample(10, [0, 1] * 5, steps=10, rng=rng)
    np.testing.assert_array_equal(made.round(), pictures[[0, 1] * 5])
    first, again = (model.evaluate(pictures, np.arange(2)) for _ in range(2))
    assert first == again < 0.2


def test_the_same_bits_for_any_number_of_threads(rng):
    x, y = images(rng, 12)
    states = []
    for count in (1, 3):
        tatami.set_num_threads(count)
        model = small(width=16)
        model.compile()
        model.fit(x, y, batch_size=6, epochs=2, verbose=0)
        made = model.sample(4, 1, steps=3, rng=np.random.default_rng(0))
        states.append(model.state_dict() | {"made": made})
    equal(*states)


def test_saved_and_loaded(rng, tmp_path):
    model = trained(rng)
    nn.save_model(model, tmp_path / "model.safetensors")
    loaded = nn.load_model(tmp_path / "model.safetensors")
    equal(model.state_dict(), loaded.state_dict())
    assert not any(p.requires_grad for p in loaded.average.parameters())
    drawn = [m.sample(3, 1, steps=4, rng=np.random.default_rng(1)) for m in (model, loaded)]
    np.testing.assert_array_equal(*drawn)


def test_a_run_goes_on_bit_for_bit(rng, tmp_path):
    x, y = images(rng)

    def run(name, epochs, resume=None):
        model, path = small(), tmp_path / name
        model.compile()
        keep = training.callbacks.ModelCheckpoint(path)
        model.fit(x, y, 4, epochs, verbose=0, callbacks=[keep], resume=resume)
        return model.state_dict(), path

    whole, _ = run("whole", 4)
    _, path = run("cut", 2)
    resumed, _ = run("resumed", 4, resume=path)
    equal(whole, resumed)


@pytest.mark.parametrize("classes", [1, 2, 3, 40])
def test_the_recipe_draws_any_number_of_classes(rng, tmp_path, monkeypatch, classes):
    pytest.importorskip("matplotlib")
    model, asked = small(classes=classes), []
    denoise = model.denoise
    monkeypatch.setattr(
        model, "denoise", lambda n, label, **how: asked.extend(label) or denoise(n, label, **how)
    )
    recipe.show(model, None, tmp_path / "samples.png", 20, rng)
    assert {p.name for p in tmp_path.iterdir()} == {"samples.png", "steps.png"}
    assert len(asked) == 20 and len(set(asked)) == min(classes, 16)
    assert set(asked) <= set(range(classes))
