"""pix2pix: its parts are the paper's, and a step does what equation 4 says."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import tatami
from learning import assert_threads_change_no_bit
from tatami import Tensor, models, nn, optim
from tatami import functional as F


def images(count, channels, size, seed=0):
    return np.random.default_rng(seed).random((count, channels, size, size), dtype=np.float32)


def small():
    tatami.manual_seed(0)
    model = models.Pix2Pix(1, 3, width=4, depth=4, layers=1)
    model.compile()
    return model


def count(module):
    return sum(p.size for p in module.parameters())


def test_the_full_size_has_the_papers_parameters_and_takes_a_step():
    tatami.manual_seed(0)
    model = models.Pix2Pix()
    parts = {name: count(part) for name, part in model.named_children()}
    assert parts == {"generator": 54_413_955, "discriminator": 2_768_705}
    # By hand: 4x4 kernels, two numbers a channel of each batch norm, a bias where there is none.
    down = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    up = [512, 1024, 1024, 1024, 1024, 512, 256, 128]  # with what is skipped
    out = [512, 512, 512, 512, 256, 128, 64, 3]
    kernels = sum(16 * a * b for a, b in [*pairwise(down), *zip(up, out)])
    assert kernels + 2 * sum(down[2:-1]) + 2 * sum(out[:-1]) + 3 == parts["generator"]
    x = [6, 64, 128, 256, 512, 1]
    kernels = sum(16 * a * b for a, b in pairwise(x))
    assert kernels + 2 * (128 + 256 + 512) + 64 + 1 == parts["discriminator"]
    model.compile()
    x = images(2, 3, 256)
    losses = model.fit(x[:1], x[1:], batch_size=1, verbose=0).history
    print(f"pix2pix 256x256: parameters {parts}, after one step {losses}")
    assert all(np.isfinite(values).all() for values in losses.values())
    assert losses["l1"][0] < 0.5 and 0.3 < losses["discriminator_loss"][0] < 2


@pytest.mark.parametrize("layers, pixels", [(1, 16), (2, 34), (3, 70)])
def test_a_score_of_the_patchgan_sees_so_many_pixels(layers, pixels):
    tatami.manual_seed(0)
    critic = models.PatchGAN(1, width=4, layers=layers).eval()
    assert critic.receptive_field == pixels
    size = 16 * 2**layers
    x = Tensor(images(1, 1, size), requires_grad=True)
    scores = critic(x)
    assert scores.shape == (1, 1, size // 2**layers - 2, size // 2**layers - 2)
    middle = scores.shape[2] // 2
    scores[0, 0, middle, middle].sum().backward()
    seen = x.grad.data[0, 0] != 0
    for axis in (0, 1):
        places = np.flatnonzero(seen.any(axis=axis))
        assert places[-1] - places[0] + 1 == pixels
    for weight in (p for p in critic.parameters() if p.ndim == 4):
        nn.init.ones_(weight)  # then no pixel in between can cancel out
    x.grad = None
    critic(x)[0, 0, middle, middle].sum().backward()
    assert (x.grad.data != 0).sum() == pixels**2


def test_the_default_patchgan_is_the_one_of_70_pixels():
    assert models.Pix2Pix(width=1, depth=2).discriminator.receptive_field == 70


def test_the_generator_is_taught_by_100_times_l1_and_the_discriminator():
    model = small()
    x, y = images(4, 1, 16), images(4, 3, 16, seed=1)
    minimized = {}

    class Kept:
        def __init__(self, name):
            self.name = name

        def minimize(self, loss):
            minimized[self.name] = loss.item()

    optimizers = {name: Kept(name) for name in ("generator", "discriminator")}
    said = model.train_step(optimizers, Tensor(x), Tensor(y))
    with tatami.no_grad():
        made = model.generator(Tensor(2 * x - 1))
        pair = [F.concatenate([Tensor(2 * x - 1), z], axis=1) for z in (Tensor(2 * y - 1), made)]
        real, fake = (F.sigmoid(model.discriminator(z)).data for z in pair)
    l1 = np.abs(made.data - (2 * y - 1)).mean()
    expected = 100 * l1 - np.log(fake).mean()
    np.testing.assert_allclose(minimized["generator"], expected, rtol=1e-5)
    critic = -(np.log(real).mean() + np.log(1 - fake).mean()) / 2
    np.testing.assert_allclose(minimized["discriminator"], critic, rtol=1e-5)
    np.testing.assert_allclose(said["l1"].item(), l1 / 2, rtol=1e-6)


def test_the_initial_weights_and_optimizers_are_the_papers():
    tatami.manual_seed(0)
    model = models.Pix2Pix(width=16, depth=5)
    weights = np.concatenate([p.data.ravel() for p in model.parameters() if p.ndim == 4])
    assert abs(weights.mean()) < 1e-4 and abs(weights.std() - 0.02) < 1e-4
    model.compile()
    model.fit(images(2, 3, 32), images(2, 3, 32), verbose=0)
    for optimizer in model.compiled.optimizer.values():
        (group,) = optimizer.param_groups
        assert group["lr"] == 2e-4 and group["betas"] == (0.5, 0.999)


def test_dropout_is_where_the_paper_has_it():
    up = models.Pix2PixGenerator(width=1).up
    assert [any(isinstance(m, nn.Dropout) for m in part) for part in up] == [True] * 3 + [False] * 5


def test_sizes_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 16, got shape \(2, 1, 16, 24\)"):
        small().translate(np.zeros((2, 1, 16, 24), np.float32))


def test_what_is_made_lies_between_0_and_1():
    made = small().translate(images(3, 1, 16), batch_size=2)
    assert made.shape == (3, 3, 16, 16) and 0 <= made.min() < made.max() <= 1


def test_saved_and_loaded_it_makes_the_same(tmp_path):
    model = small()
    x = images(4, 1, 16)
    model.fit(x, images(4, 3, 16), verbose=0)
    nn.save_model(model, tmp_path / "model.safetensors")
    loaded = nn.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.translate(x), model.translate(x))


def test_training_has_the_same_bits_with_any_number_of_threads():
    def train():
        model = small()
        model.fit(images(8, 1, 16), images(8, 3, 16), batch_size=4, epochs=2, verbose=0, seed=0)
        return model

    assert_threads_change_no_bit(train)


def test_it_learns_pairs_by_heart():
    model = small()
    x, y = images(4, 1, 16), np.tile(np.float32([0.2, 0.5, 0.9])[:, None, None], (4, 1, 16, 16))
    adam = partial(optim.Adam, lr=1e-2, betas=(0.5, 0.999))
    model.compile({"generator": adam, "discriminator": adam})
    before = model.evaluate(x, y)
    model.fit(x, y, batch_size=4, epochs=60, verbose=0, seed=0)
    assert model.evaluate(x, y) < before / 3
