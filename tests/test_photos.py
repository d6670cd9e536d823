"""Photographs in patches, and the recipes that learn from them or from one's own images."""

import numpy as np
import pytest

from tatami.__main__ import main
from tatami.generate.subjects import photos


def test_patches_are_pieces_of_the_image():
    image = np.arange(3 * 6 * 8, dtype=np.float32).reshape(3, 6, 8)
    cut = photos.patches(image, 4, stride=2)
    assert cut.shape == (2 * 3, 3, 4, 4)
    np.testing.assert_array_equal(cut[4], image[:, 2:6, 2:6])


def test_shrinking_takes_means_of_blocks():
    image = np.random.default_rng(0).random((3, 21, 31))
    small = photos.shrunk(image, edge=10)
    assert small.shape == (3, 10, 15)
    np.testing.assert_allclose(small[:, 1, 2], image[:, 2:4, 4:6].mean(axis=(1, 2)))


def test_grey_edges_and_blur():
    x = np.zeros((1, 3, 6, 7), np.float32)
    x[..., 3:] = 0.2
    np.testing.assert_allclose(photos.grey(x), x[:, :1], atol=1e-7)
    steep = photos.edges(x)
    assert steep.dtype == np.float32
    np.testing.assert_allclose(steep[0, 0, 2], [0, 0, 0.8, 0.8, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(photos.edges(x.swapaxes(2, 3)), steep.swapaxes(2, 3), atol=1e-6)
    third = 0.2 / 3
    expected = [0, 0, third, 2 * third, 0.2, 0.2, 0.2]
    np.testing.assert_allclose(photos.blurred(x)[0, 1, 0], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["unet", "pix2pix"])
def test_a_recipe_learns_from_a_folder(name, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    pillow = pytest.importorskip("PIL.Image")
    for k in range(3):
        pixels = np.random.default_rng(k).integers(256, size=(70, 80, 3), dtype=np.uint8)
        pillow.fromarray(pixels).save(tmp_path / f"{k}.png")
    out = tmp_path / "out"
    command = ["generate", name, "--data", str(tmp_path), "--out", str(out), "--epochs", "1"]
    assert main(command) == 0
    assert "6 examples of 1x64x64" in capsys.readouterr().out, "each also mirrored"
    assert (out / "samples.png").stat().st_size > 5000
    assert main(["sample", str(out), "--count", "3"]) == 0
