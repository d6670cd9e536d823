"""Variational autoencoders: the divergence, the bound, labels, and what they learn."""

import json
from functools import partial

import numpy as np
import pytest

import tatami
from tatami import Tensor, models, nn, optim
from tatami import functional as F
from tatami.generate import recipes
from tatami.models.vae import kl_divergence

RNG = np.random.default_rng(0)
IMAGES = RNG.random((24, 1, 8, 8), np.float32)
LABELS = RNG.integers(0, 3, 24)
QUICK = partial(optim.Adam, lr=0.01)

# name -> a model of such images, and what it is told besides
FAMILY = {
    "DenseVAE": (lambda: models.DenseVAE((1, 8, 8), 3, (32,)), ()),
    "ConvVAE": (lambda: models.ConvVAE((1, 8, 8), 3, (4, 8)), ()),
    "ConditionalVAE": (lambda: models.ConditionalVAE(3, (1, 8, 8), 3, (32,)), (LABELS,)),
    "VAE": (
        lambda: models.VAE(
            nn.Sequential(nn.Flatten(), nn.Linear(64, 6)),
            nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, (1, 8, 8))),
            latent=3,
            beta=2.0,
        ),
        (),
    ),
}
every_model = pytest.mark.parametrize("make, told", FAMILY.values(), ids=FAMILY)


def made(make):
    tatami.manual_seed(0)
    return make()


def test_the_divergence_agrees_with_monte_carlo():
    """KL(q || p) is the mean of log q(z) - log p(z) over z ~ q."""
    draws = 100_000
    mean = np.array([[0.0, 0.0], [1.0, -2.0], [0.3, 0.0]])
    log_variance = np.array([[0.0, 0.0], [0.0, 0.0], [-3.0, 1.5]])
    closed = kl_divergence(mean, log_variance)
    for m, v, wanted in zip(mean, log_variance, closed):
        z = F.reparameterize(*(np.broadcast_to(a, (draws, 2)) for a in (m, v)), seed=1)
        terms = 0.5 * (z**2 - v - (z - m) ** 2 / np.exp(v)).sum(axis=1)
        error = terms.std() / np.sqrt(draws)
        assert abs(terms.mean() - wanted) <= 4 * error
        assert error < 0.02
    assert closed[0] == 0 and closed[1] == 2.5


@every_model
def test_the_loss_is_the_bound_by_its_definition(make, told):
    model = made(make)
    tatami.manual_seed(1)
    losses = {
        name: float(loss.data) for name, loss in model.test_step(Tensor(IMAGES), *told).items()
    }
    tatami.manual_seed(1)
    mean, log_variance = model.encode(Tensor(IMAGES), *told)
    z = F.reparameterize(mean, log_variance)
    p = model.images(z.data, *told).astype(float)
    log_likelihood = IMAGES * np.log(p) + (1 - IMAGES) * np.log(1 - p)
    wanted = -log_likelihood.sum(axis=(1, 2, 3)).mean()
    m, v = mean.data.astype(float), log_variance.data.astype(float)
    kl = (m**2 + np.exp(v) - v - 1).sum(axis=1).mean() / 2
    assert losses["reconstruction"] == pytest.approx(wanted, rel=1e-5)
    assert losses["kl"] == pytest.approx(kl, rel=1e-4)
    assert losses["loss"] == pytest.approx(wanted + model.beta * kl, rel=1e-5)


@every_model
def test_shapes(make, told):
    model = made(make)
    logits, mean, log_variance = model(Tensor(IMAGES), *told)
    assert logits.shape == IMAGES.shape and mean.shape == log_variance.shape == (24, 3)
    codes = model.codes(IMAGES, *told)
    np.testing.assert_array_equal(codes, mean.data)
    np.testing.assert_array_equal(model.codes(IMAGES, *told), codes, "codes are not drawn")
    assert model.images(codes, *told).shape == IMAGES.shape
    sampled = model.sample(24, *told, rng=np.random.default_rng(0))
    assert sampled.shape == IMAGES.shape and sampled.dtype == np.float32
    assert sampled.min() >= 0 and sampled.max() <= 1


@every_model
def test_round_trip(make, told, tmp_path):
    model = made(make)
    nn.save_model(model, tmp_path / "vae.safetensors")
    loaded = nn.load_model(tmp_path / "vae.safetensors")
    assert loaded.beta == model.beta and type(loaded) is type(model)
    json.dumps(nn.to_config(model))
    np.testing.assert_array_equal(
        loaded.sample(24, *told, rng=np.random.default_rng(0)),
        model.sample(24, *told, rng=np.random.default_rng(0)),
    )


@every_model
def test_steps_have_the_same_bits_for_any_number_of_threads(make, told):
    weights = []
    for n in (1, 3):
        with tatami.threads(n):
            model = made(make)
            model.compile()
            model.fit(IMAGES, *told, batch_size=8, epochs=2, verbose=0)
            weights.append(model.state_dict())
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name], name)


def test_two_kinds_of_images_are_told_apart():
    """Stripes of either direction: the bound comes near their entropy and the cost of one bit."""
    across = np.zeros((1, 1, 8, 8), np.float32)
    across[..., ::2, :] = 1
    x = np.concatenate([across, across.swapaxes(2, 3)] * 32)
    model = made(lambda: models.DenseVAE((1, 8, 8), 1, (32,)))
    model.compile(QUICK)
    model.fit(x, batch_size=16, epochs=60, verbose=0)
    measured = model.evaluate(x, return_dict=True)
    assert np.log(2) - 0.05 < measured["loss"] < 2
    assert measured["loss"] == pytest.approx(measured["reconstruction"] + measured["kl"], rel=1e-5)
    codes = model.codes(x)[:, 0]
    assert codes[::2].max() < codes[1::2].min() or codes[1::2].max() < codes[::2].min()
    near = np.abs(model.sample(64, rng=np.random.default_rng(0))[:, None] - x[:2]).mean((2, 3, 4))
    assert np.median(near.min(axis=1)) < 0.05


def test_more_beta_leaves_less_in_the_codes():
    spent = []
    for beta in (0.1, 10.0):
        model = made(lambda: models.DenseVAE((1, 8, 8), 3, (32,), beta))  # noqa: B023
        model.compile()
        model.fit(IMAGES, batch_size=8, epochs=30, verbose=0)
        spent.append(model.evaluate(IMAGES, return_dict=True)["kl"])
    assert spent[1] < 0.1 * spent[0]


def test_labels_say_what_is_made():
    """Grey levels by label: codes need not say them, and asking gets them."""
    labels = np.arange(60) % 3
    x = np.broadcast_to(0.1 + 0.4 * labels[:, None, None, None], (60, 1, 4, 4)).astype(np.float32)
    model = made(lambda: models.ConditionalVAE(3, (1, 4, 4), 2, (16,)))
    model.compile(QUICK)
    model.fit(x, labels, batch_size=12, epochs=60, verbose=0)
    grey = model.sample(60, labels, rng=np.random.default_rng(0)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(grey, x[:, 0, 0, 0], atol=0.1)
    assert model.evaluate(x, labels, return_dict=True)["kl"] < 0.1
    with pytest.raises(ValueError, match="labels go from 0 to 2, but there are 2 classes"):
        models.ConditionalVAE(2, (1, 4, 4)).codes(x, labels)


def test_the_full_size():
    model = made(lambda: models.ConvVAE((1, 28, 28)))
    assert sum(p.size for p in model.parameters()) == 370_945
    model.compile()
    model.fit(RNG.random((8, 1, 28, 28), np.float32), batch_size=8, verbose=0)
    assert models.ConvVAE((3, 32, 64)).sample(2, rng=RNG).shape == (2, 3, 32, 64)
    with pytest.raises(ValueError, match=r"30x28 cannot be halved 2 times.*multiples of 4"):
        models.ConvVAE((1, 30, 28))


@pytest.mark.parametrize("name", ["vae", "cvae"])
def test_recipes_learn_from_folders(name, tmp_path):
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    for k in range(6):
        file = tmp_path / "mine" / "ab"[k % 2] / f"{k}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.new("RGB", (20, 30), (40 * k, 0, 99)).save(file)
    recipe = recipes.recipe(name)
    data = recipe.data(tmp_path / "mine", 8)
    model = recipe.model(*data)
    model.fit(*data, batch_size=4, verbose=0)
    assert data[0].shape == (6, 3, 8, 8)
    recipe.show(model, lambda: data, tmp_path / "it.png", 8, np.random.default_rng(0))
    written = {"it.png", "map.png"} if name == "vae" else {"it.png"}
    assert {path.name for path in tmp_path.glob("*.png")} == written
    assert all((tmp_path / name).read_bytes()[:4] == b"\x89PNG" for name in written)


def test_the_map_shows_a_plane_of_equal_shares():
    model = models.DenseVAE((1, 2, 2), 3, (8,))
    model.images = lambda z: z
    codes = recipes.recipe("vae").chart(model, 4, np.eye(3)[[2, 0]]).reshape(4, 4, 3)
    assert codes.dtype == np.float32 and not codes[..., 1].any()
    at = np.float32([-1.150349, -0.318639, 0.318639, 1.150349])  # quantiles of 1/8, 3/8, 5/8, 7/8
    np.testing.assert_allclose(codes[..., 2], np.tile(at, (4, 1)), rtol=1e-5)
    np.testing.assert_allclose(codes[..., 0], np.tile(at[::-1, None], 4), rtol=1e-5)
