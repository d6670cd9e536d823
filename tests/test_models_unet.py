"""U-Net: every size comes back, and the skipped connections carry."""

from functools import partial

import numpy as np
import pytest

import tatami
from learning import assert_threads_change_no_bit
from tatami import Tensor, models, nn, optim


def images(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def small(depth=2):
    tatami.manual_seed(0)
    return models.UNet(1, 3, depth=depth, width=4)


def test_the_full_size_has_the_papers_parameters():
    """Padding takes no parameters: these are also those of the paper's network."""
    tatami.manual_seed(0)
    found = sum(p.size for p in models.UNet().parameters())
    print(f"U-Net, 1 channel in and 2 out: {found:,} parameters")
    assert found == 31_030_658


@pytest.mark.parametrize("height, width", [(32, 32), (31, 33), (5, 18), (1, 1)])
def test_every_size_comes_back(height, width):
    y = small(depth=3)(Tensor(images(2, 1, height, width)))
    assert y.shape == (2, 3, height, width)


def test_padding_leaves_sizes_that_halve_alone():
    model, x = small(), images(1, 1, 24, 24)
    padded = np.pad(x[:, :, :21, :22], ((0, 0), (0, 0), (0, 3), (0, 2)), "edge")
    cropped = model(Tensor(x[:, :, :21, :22])).data
    np.testing.assert_array_equal(cropped, model(Tensor(padded)).data[:, :, :21, :22])


def gradient(model, size=32):
    """Of the pixel in the middle by the image: which pixels it depends on."""
    x = Tensor(images(1, 1, size, size), requires_grad=True)
    model(x)[0, :, size // 2, size // 2].sum().backward()
    return x.grad.data[0, 0] != 0


def test_skipped_connections_carry_what_the_bottleneck_does_not():
    model = small()
    whole = gradient(model)
    for p in model.down[-1].parameters():
        nn.init.zeros_(p)
    skipped = gradient(model)
    assert skipped.any(), "the way around the bottleneck is open"
    assert skipped.sum() < whole.sum(), "and sees less"
    for join in model.join:
        c = join[0].out_channels
        join[0].weight.data[:, :c] = 0  # the half that was skipped
    assert not gradient(model).any(), "there is no third way"


def test_saved_and_loaded_it_gives_the_same(tmp_path):
    model = small()
    model.compile("adam", "l1")
    x = images(4, 1, 13, 16)
    model.fit(x, images(4, 3, 13, 16), verbose=0)
    nn.save_model(model, tmp_path / "model.safetensors")
    loaded = nn.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_training_has_the_same_bits_with_any_number_of_threads():
    def train():
        model = small()
        model.compile("adam", "l1")
        model.fit(images(8, 1, 16, 16), images(8, 3, 16, 16), 4, epochs=2, verbose=0, seed=0)
        return model

    assert_threads_change_no_bit(train)


def test_it_finds_squares():
    rng = np.random.default_rng(0)
    mask = np.zeros((32, 1, 16, 16), np.float32)
    for row, (top, left) in zip(mask[:, 0], rng.integers(10, size=(32, 2))):
        row[top : top + 6, left : left + 6] = 1
    x = mask * 0.5 + images(*mask.shape) * 0.5
    tatami.manual_seed(0)
    model = models.UNet(1, 1, depth=2, width=4)
    model.compile(partial(optim.Adam, lr=1e-2), "binary_cross_entropy_with_logits")
    model.fit(x, mask, batch_size=8, epochs=30, verbose=0, seed=0)
    found = model.predict(x) > 0
    assert (found == (mask > 0)).mean() > 0.95
