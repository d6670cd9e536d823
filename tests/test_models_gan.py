"""Adversarial networks: the game's exact values, who is trained by whom, and sizes."""

import math
from functools import partial

import numpy as np
import pytest

import tatami
from learning import assert_same_weights
from tatami import Tensor, models, nn, optim
from tatami.autograd import grad
from tatami.models.wgan import gradient_penalty

Adam = partial(optim.Adam, lr=1e-3, betas=(0.5, 0.999))


def small():
    """A game about points."""
    tatami.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    return models.GAN(generator, discriminator, latent=3, steps=2)


FAMILY = {
    "GAN": (small, lambda: (points(12),)),
    "DCGAN": (lambda: models.DCGAN(16, 1, 4, 4), lambda: (images(12),)),
    "ConditionalGAN": (
        lambda: models.ConditionalGAN(3, 16, 1, 4, 4),
        lambda: (images(12), np.arange(12) % 3),
    ),
    "WGAN": (lambda: models.WGAN(16, 1, 4, 4, steps=2), lambda: (images(12),)),
}


def points(n):
    return np.random.default_rng(0).standard_normal((n, 2)).astype(np.float32)


def images(n, size=16, channels=1):
    return np.random.default_rng(0).random((n, channels, size, size), np.float32)


def numbers(seed=0):
    return np.random.default_rng(seed)


def made(name):
    """A compiled model with the same weights every time, and data for it."""
    tatami.manual_seed(0)
    model = FAMILY[name][0]()
    model.compile()
    return model, FAMILY[name][1]()


@pytest.mark.parametrize("name", FAMILY)
def test_training_does_not_depend_on_threads(name):
    trained = []
    for count in (1, 3):
        model, data = made(name)
        with tatami.threads(count):
            history = model.fit(*data, batch_size=8, epochs=2, verbose=0).history
        assert all(np.isfinite(values).all() for values in history.values())
        trained.append(model)
    assert_same_weights(*trained)


@pytest.mark.parametrize("name", FAMILY)
def test_samples_depend_on_the_noise_alone_and_survive_a_file(name, tmp_path):
    pytest.importorskip("safetensors")
    model, data = made(name)
    model.fit(*data, batch_size=8, verbose=0)
    labels = [part[:5] for part in data[1:]]
    first = model.sample(5, *labels, rng=numbers())
    assert first.shape == (5, *data[0].shape[1:]) and first.dtype == np.float32
    if first.ndim == 4:
        assert first.min() >= 0 and first.max() <= 1
    assert model.training, "as before"
    nn.save_model(model, tmp_path / "model.safetensors")
    again = nn.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.sample(5, *labels, rng=numbers()), first)
    assert (again.sample(5, *labels, rng=numbers(1)) != first).any()


def test_the_loss_is_ln_4_where_the_discriminator_knows_nothing():
    model, (x,) = made("GAN")
    nn.init.zeros_(model.discriminator[-1].weight)
    nn.init.zeros_(model.discriminator[-1].bias)
    loss, opinion = model.discriminator_loss(Tensor(x), Tensor(x))
    assert loss.item() == pytest.approx(math.log(4), rel=1e-6)
    assert opinion == {"d_real": 0.5, "d_fake": 0.5}
    assert model.generator_loss(model.logits(Tensor(x))).item() == pytest.approx(math.log(2))


def test_losses_are_those_of_the_paper():
    model, (x,) = made("GAN")
    real, fake = Tensor(x), Tensor(3 * x + 1)
    d_real, d_fake = model(real).data, model(fake).data
    assert ((d_real > 0) & (d_real < 1)).all()
    loss, opinion = model.discriminator_loss(real, fake)
    expected = -np.log(d_real).mean() - np.log(1 - d_fake).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert opinion["d_real"] == pytest.approx(d_real.mean(), rel=1e-6)
    assert opinion["d_fake"] == pytest.approx(d_fake.mean(), rel=1e-6)
    loss = model.generator_loss(model.logits(fake))
    assert loss.item() == pytest.approx(-np.log(d_fake).mean(), rel=1e-5)


class Recorder(dict):
    """Stands for the two optimizers; notes what a step of each does to the parameters."""

    def __init__(self, model, real):
        self.model = model
        self.changes = []
        for part, optimizer in real.items():
            self[part] = self.watched(part, optimizer)

    def watched(self, part, optimizer):
        take = optimizer.minimize

        def minimize(loss):
            before = {n: p.data.copy() for n, p in self.model.named_parameters()}
            take(loss)
            changed = [n for n, p in self.model.named_parameters() if (p.data != before[n]).any()]
            self.changes.append((part, {n.split(".")[0] for n in changed}))

        optimizer.minimize = minimize
        return optimizer


@pytest.mark.parametrize("name", FAMILY)
def test_a_step_of_one_part_leaves_the_other_untouched(name):
    model, data = made(name)
    parts = ("generator", "discriminator")
    optimizers = {part: Adam(getattr(model, part).parameters()) for part in parts}
    recorder = Recorder(model, optimizers)
    model.train_step(recorder, *map(Tensor, data))
    steps = [("discriminator", {"discriminator"})] * model.steps
    assert recorder.changes == [*steps, ("generator", {"generator"})]


def test_no_gradient_is_worked_out_for_the_other_part():
    """Neither what made images were made of, nor the discriminator's weights, when not asked."""
    model, (x,) = made("DCGAN")
    noise = Tensor(numbers().standard_normal((12, 4), np.float32))
    fake = model.generate(noise).detach()
    loss, _ = model.discriminator_loss(Tensor(x), fake)
    weights = model.generator.parameters()
    assert grad(loss, weights, allow_unused=True) == (None,) * len(weights)
    loss = model.generator_loss(model.logits(model.generate(noise)))
    optim.Adam(model.generator.parameters()).minimize(loss)
    assert all(p.grad is None for p in model.discriminator.parameters())
    assert all(p.grad is not None for p in model.generator.parameters())


def test_a_batch_is_divided_among_the_steps_of_the_discriminator():
    model, _ = made("GAN")
    model.steps = 3
    seen = []
    model.discriminator_loss = lambda real, made: (
        seen.append((real.data, made.shape)) or (models.GAN.discriminator_loss(model, real, made))
    )
    x = points(8)
    model.fit(x, batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_array_equal(np.concatenate([real for real, _ in seen]), x)
    assert [shape for _, shape in seen] == [(3, 2), (3, 2), (2, 2)]
    model.fit(x[:2], batch_size=8, verbose=0)  # fewer rows than steps
    assert len(seen) == 5
    with pytest.raises(ValueError, match="steps must be at least 1, not 0"):
        models.DCGAN(16, steps=0)


# Layers of PyTorch's DCGAN tutorial (width 64), and of the paper's generator (width 128).
@pytest.mark.parametrize(
    "width, generator, discriminator",
    [(64, 3_576_704, 2_765_568), (128, 12_658_432, 11_036_160)],
)
def test_full_size(width, generator, discriminator):
    model = models.DCGAN(width=width)
    count = [
        sum(p.size for p in part.parameters()) for part in (model.generator, model.discriminator)
    ]
    print(f"DCGAN 64x64, width {width}: generator {count[0]:,}, discriminator {count[1]:,}")
    assert count == [generator, discriminator] == by_hand(width)
    kernels = [p.shape for p in model.generator.parameters() if p.ndim == 4]
    assert [shape[0] for shape in kernels] == [100, 8 * width, 4 * width, 2 * width, width]
    if width == 64:
        model.compile()
        history = model.fit(images(2, 64, 3), batch_size=2, verbose=0).history
        assert np.isfinite(history["d_loss"]).all() and np.isfinite(history["g_loss"]).all()
        assert model.sample(2, rng=numbers()).shape == (2, 3, 64, 64)


def by_hand(width):
    """Kernels of 4x4 without bias; a scale and a shift for each channel with batch norm."""
    between = 16 * width**2 * (1 * 2 + 2 * 4 + 4 * 8) + 16 * 3 * width
    generator = 16 * 100 * 8 * width + between + 2 * width * (8 + 4 + 2 + 1)
    discriminator = 16 * 8 * width + between + 2 * width * (2 + 4 + 8)
    return [generator, discriminator]


def test_initial_weights():
    tatami.manual_seed(0)
    model = models.DCGAN(32, 3, 50, 32)
    for name, p in model.named_parameters():
        if p.ndim == 4 and p.size > 10_000:
            assert p.data.std() == pytest.approx(0.02, rel=0.05), name
            assert abs(p.data.mean()) < 0.001, name
        elif p.ndim == 1 and name.endswith("weight"):
            assert p.data.mean() == pytest.approx(1, abs=0.02), name
        elif p.ndim == 1:
            assert (p.data == 0).all(), name


def test_the_rules_of_dcgan():
    model = models.DCGAN(64)
    parts = (model.generator.main, model.discriminator.main)
    names = [[type(layer).__name__ for layer in part] for part in parts]
    block = ["BatchNorm2d", "ReLU", "ConvTranspose2d"]
    assert names[0] == ["ConvTranspose2d", *block * 4, "Tanh"]
    block = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
    assert names[1] == ["Conv2d", "LeakyReLU", *block * 3, "Conv2d", "Flatten"]
    model.compile()
    model.fit(images(2, 64, 3), verbose=0)
    for group in model.compiled.optimizer.param_groups:
        assert group["lr"] == 2e-4 and group["betas"][0] == 0.5
    x = Tensor(images(2, 64, 3))
    with nn.evaluating(model):
        probability = model.discriminator(x).data
        np.testing.assert_array_equal(probability, model(x).data)
        odds = np.log(probability / (1 - probability))
        np.testing.assert_allclose(odds, model.logits(x).data, atol=1e-4)
    with pytest.raises(ValueError, match="size must be 16, 32 or 64, not 28"):
        models.DCGAN(28)


def test_both_conditional_networks_depend_on_the_label():
    model, (x, _) = made("ConditionalGAN")
    x = np.repeat(x[:1], 3, axis=0)
    noise = Tensor(np.repeat(numbers().standard_normal((1, 4), np.float32), 3, axis=0))
    with nn.evaluating(model):
        fake = model.generate(noise, np.arange(3)).data
        judged = model(Tensor(x), np.arange(3)).data
        same = model(Tensor(x), np.zeros(3, int)).data
    assert all((fake[a] != fake[b]).any() for a, b in ((0, 1), (0, 2), (1, 2)))
    assert len(np.unique(judged)) == 3 and len(np.unique(same)) == 1
    with pytest.raises(ValueError, match="there are 3 classes"):
        model.sample(1, np.array([3]), rng=numbers())


def test_penalty_of_a_linear_critic():
    """Its gradient is its weight wherever one looks."""
    rng = numbers()
    weight = Tensor(rng.standard_normal((1, 6)), requires_grad=True)
    real, fake = (Tensor(rng.standard_normal((5, 2, 3))) for _ in range(2))
    penalty = gradient_penalty(lambda x: x.reshape(5, 6) @ weight.T, real, fake)
    norm = np.linalg.norm(weight.data)
    assert penalty.item() == pytest.approx((norm - 1) ** 2, rel=1e-12)
    slope = grad(penalty, weight).data
    np.testing.assert_allclose(slope, 2 * (norm - 1) / norm * weight.data, rtol=1e-10)


def test_penalty_of_a_critic_against_differences():
    """The gradient of a gradient, by every weight of a convolutional critic, in float64."""
    tatami.manual_seed(0)
    model = models.WGAN(16, 1, 4, 4).double()
    rng = numbers()
    real, fake = (Tensor(rng.random((3, 1, 16, 16))) for _ in range(2))

    def penalty():
        tatami.manual_seed(1)  # the same places
        return gradient_penalty(model.logits, real, fake)

    weights = model.discriminator.parameters()
    for p, slope in zip(weights, grad(penalty(), weights, allow_unused=True)):
        direction = rng.standard_normal(p.shape)
        direction /= np.linalg.norm(direction)
        sides = []
        for step in (1e-6, -1e-6):
            p.data += step * direction
            sides.append(penalty().item())
            p.data -= step * direction
        found = 0 if slope is None else np.sum(slope.data * direction)
        difference = (sides[0] - sides[1]) / 2e-6
        assert found == pytest.approx(difference, rel=1e-4, abs=1e-6)


def test_penalty_reaches_every_weight_of_the_critic():
    model, (x,) = made("WGAN")
    fake = Tensor(x[::-1].copy())
    loss, opinion = model.discriminator_loss(Tensor(x), fake)
    distance = (model.logits(Tensor(x)).mean() - model.logits(fake).mean()).item()
    assert opinion["distance"].item() == pytest.approx(distance, abs=1e-6)
    gradients = grad(loss, model.discriminator.parameters(), allow_unused=True)
    assert all(g is not None for g in gradients)
    assert model.generator_loss(Tensor(np.float32([[2.0], [4.0]]))).item() == -3
