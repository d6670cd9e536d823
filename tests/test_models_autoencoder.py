"""Autoencoders: the linear one is PCA, levels are what they say, penalties their closed forms."""

from functools import partial

import numpy as np
import pytest

import tatami
from learning import assert_same_weights
from tatami import Tensor, nn, optim
from tatami.autograd import check_grads
from tatami.data import PCA
from tatami.models import Autoencoder, ConvAutoencoder, SparseAutoencoder, rate_penalty

ADAM = partial(optim.Adam, lr=0.01)
MODELS = {
    "plain": (lambda: Autoencoder((64, 12, 3)), (3,)),
    "linear": (lambda: Autoencoder((64, 3), activation=None), (3,)),
    "denoising": (lambda: Autoencoder((64, 12, 3), "tanh", noise=0.5), (3,)),
    "sparse": (lambda: SparseAutoencoder((64, 12, 80)), (80,)),
    "L1": (lambda: SparseAutoencoder((64, 12, 80), rate=None, noise=0.1), (80,)),
    "convolutional": (lambda: ConvAutoencoder((1, 4, 6), noise=0.1), (6, 2, 2)),
}
every_model = pytest.mark.parametrize("name", MODELS)


def images(n=40):
    return np.random.default_rng(0).random((n, 1, 8, 8), np.float32)


def new(name):
    tatami.manual_seed(0)
    return MODELS[name][0]()


def ellipse(n=200):
    """Points (n, 5) in float64 that differ most along two slanting axes, off zero."""
    rng = np.random.default_rng(0)
    turned, _ = np.linalg.qr(rng.standard_normal((5, 5)))
    return rng.standard_normal((n, 5)) * [2, 1.5, 0.3, 0.2, 0.1] @ turned + 0.5


def test_principal_axes_are_where_the_linear_gradient_vanishes():
    x = ellipse()
    pca = PCA(2).fit(x)
    model = Autoencoder((5, 2), activation=None).double()
    down, up = model.encoder[0][1], model.decoder[0][1]
    mixed = np.array([[2.0, 1.0], [-0.5, 1.5]])  # any basis of the plane will do
    down.weight.data[...] = mixed @ pca.components
    down.bias.data[...] = -mixed @ pca.components @ pca.mean
    up.weight.data[...] = pca.components.T @ np.linalg.inv(mixed)
    up.bias.data[...] = pca.mean
    np.testing.assert_allclose(model.predict(x), pca.inverse(pca.transform(x)), atol=1e-12)
    model.losses(Tensor(x))["loss"].backward()
    for p in model.parameters():
        np.testing.assert_allclose(p.grad.data, 0, atol=1e-12)


def test_a_linear_one_finds_the_principal_axes():
    x = ellipse()
    tatami.manual_seed(0)
    model = Autoencoder((5, 2), activation=None).double()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    model.compile(optimizer)
    for lr in (0.02, 0.002, 0.0002):
        optimizer.param_groups[0]["lr"] = lr
        model.fit(x, batch_size=len(x), epochs=700, verbose=0)
    pca = PCA(2).fit(x)
    found, _ = np.linalg.qr(model.decoder[0][1].weight.data)
    cosines = np.linalg.svd(pca.components @ found, compute_uv=False)
    assert cosines.min() > 1 - 1e-6, "of the angles between the two planes"
    least = np.mean((pca.inverse(pca.transform(x)) - x) ** 2)
    assert model.evaluate(x) == pytest.approx(least, rel=1e-4)


def test_level_by_level_is_training_of_shallow_ones():
    x = images()
    stacked = new("plain")
    whole = nn.Sequential(*stacked.encoder, *stacked.decoder)
    shallow = Autoencoder((64, 12)), Autoencoder((12, 3))
    for level, theirs in zip(stacked.levels(), shallow, strict=True):
        for part, other in ((level.encoder, theirs.encoder), (level.decoder, theirs.decoder)):
            other[0][1].load_state_dict(part[0][1].state_dict())
    shallow[0].encoder[0].add(nn.ReLU())
    shallow[1].decoder[0].add(nn.ReLU())

    tatami.manual_seed(1)
    histories = stacked.pretrain(x, ADAM, epochs=2, verbose=0)
    tatami.manual_seed(1)
    seen = x
    for model, history in zip(shallow, histories, strict=True):
        model.compile(ADAM)
        assert model.fit(seen, epochs=2, verbose=0).history == history.history
        seen = model.encoder.predict(seen)
    for level, model in zip(stacked.levels(), shallow, strict=True):
        assert_same_weights(model, level)
    np.testing.assert_array_equal(stacked.predict(x), whole.predict(x).reshape(x.shape))


@every_model
def test_levels_fit_together(name):
    model = new(name)
    x = images()
    history = model.pretrain(x, verbose=0, epochs=1)
    assert len(history) == len(model.encoder)
    assert np.isfinite([losses for h in history for losses in h.history["loss"]]).all()


def test_rate_penalty_is_its_closed_form():
    codes = np.random.default_rng(0).uniform(0.01, 0.99, (7, 4))
    rate, mean = 0.05, codes.mean(axis=0)
    kl = rate * np.log(rate / mean) + (1 - rate) * np.log((1 - rate) / (1 - mean))
    codes = Tensor(codes, requires_grad=True)
    penalty = rate_penalty(codes, rate)
    assert penalty.item() == pytest.approx(kl.sum(), rel=1e-12)
    penalty.backward()
    slope = ((1 - rate) / (1 - mean) - rate / mean) / len(codes)
    np.testing.assert_allclose(codes.grad.data, np.broadcast_to(slope, codes.shape))
    assert rate_penalty(Tensor(np.full((3, 4), rate)), rate).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("rate", (0.1, None))
def test_a_penalty_makes_codes_rare(rate):
    x = images(64)
    active = []
    for weight in (0.0, 0.1):
        tatami.manual_seed(0)
        model = SparseAutoencoder((64, 20), rate, weight)
        model.compile(ADAM)
        logs = model.fit(x, batch_size=64, epochs=60, verbose=0).history
        np.testing.assert_allclose(
            logs["loss"], np.add(logs["error"], logs["penalty"]), rtol=1e-5, atol=1e-7
        )
        active.append(model.encoder.predict(x).mean())
    assert active[1] < 0.6 * active[0]
    if rate is not None:
        assert active[1] == pytest.approx(rate, abs=0.03)


@every_model
def test_gradients(name):
    x = images(3).astype(np.float64)
    model = new(name).double().eval()
    places = [
        (module, name)
        for module in model.modules()
        for name, value in vars(module).items()
        if isinstance(value, nn.Parameter)
    ]

    def loss(*weights):
        for place, weight in zip(places, weights, strict=True):
            setattr(*place, weight)
        return model.losses(Tensor(x))["loss"]

    check_grads(loss, [p.data for p in model.parameters()])


def test_noise_comes_in_training_alone_and_the_target_has_none():
    x = Tensor(np.zeros((500, 64), np.float32))
    model = Autoencoder((64, 64), activation=None, noise=0.5)
    for layer in (model.encoder[0][1], model.decoder[0][1]):
        layer.weight.data[...] = np.eye(64)
        layer.bias.data[...] = 0
    assert model.losses(x)["loss"].item() == pytest.approx(0.25, rel=0.02)
    assert model.eval().losses(x)["loss"].item() == 0


@every_model
def test_shapes(name):
    x = images(5)
    model = new(name)
    assert model.predict(x).shape == x.shape
    codes = model.encoder.predict(x)
    assert codes.shape == (5, *MODELS[name][1])
    assert model.decoder.predict(codes).size == x.size
    errors = model.errors(x)
    assert errors.shape == (5,)
    made = model.predict(x)
    np.testing.assert_allclose(errors, [np.mean((a - b) ** 2) for a, b in zip(made, x)], rtol=1e-5)


@every_model
def test_round_trip_through_a_file(name, tmp_path):
    model = new(name)
    nn.save_model(model, tmp_path / "model.safetensors")
    again = nn.load_model(tmp_path / "model.safetensors")
    assert_same_weights(model, again)
    x = images(3)
    np.testing.assert_array_equal(model.predict(x), again.predict(x))


@every_model
def test_training_has_the_same_bits_for_any_number_of_threads(name):
    models = []
    for count in (1, 3):
        with tatami.threads(count):
            models.append(new(name))
            models[-1].pretrain(images(), epochs=1, verbose=0)
            models[-1].compile("adam")
            models[-1].fit(images(), epochs=2, verbose=0)
    assert_same_weights(*models)


def test_what_cannot_be_made_is_refused():
    with pytest.raises(ValueError, match="two sizes or more"):
        Autoencoder((64,))
    with pytest.raises(ValueError, match="activation must be None or one of elu"):
        ConvAutoencoder((1, 4), activation="swoosh")
