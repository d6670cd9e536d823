"""The commands that train a generative model and draw from it, with a recipe that takes no time."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from tatami import Tensor, data, generate, nn, viz
from tatami.__main__ import main
from tatami.generate import recipes, sample

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def dots(monkeypatch):
    """A recipe that learns the mean of grey images."""
    recipe = types.ModuleType("dots", "The mean image.\n")
    recipe.EPOCHS, recipe.BATCH_SIZE = 3, 4

    def images(folder, size):
        if folder is None:
            return (np.linspace(0, 1, 8 * 16, dtype=np.float32).reshape(8, 1, 4, 4),)
        return (data.image_folder(folder, size or 4, channels=1).x,)

    def model(x):
        made = nn.Sequential(nn.Flatten(), nn.Linear(x[0].size, x[0].size))
        made.train_step = lambda optimizer, x: step(made, optimizer, x)
        made.compile("adam")
        return made

    def step(made, optimizer, x):
        loss = ((made(x) - Tensor(x.data.reshape(len(x), -1))) ** 2).mean()
        optimizer.minimize(loss)
        return {"loss": loss}

    def show(model, data, path, count, rng):
        noise = rng.standard_normal((count, 1, 4, 4)).astype(np.float32)
        viz.images(model(Tensor(noise)).data.reshape(-1, 1, 4, 4), path=path)

    recipe.data, recipe.model, recipe.show = images, model, show
    monkeypatch.setattr(recipes, "NAMES", ("dots",))
    monkeypatch.setitem(sys.modules, "tatami.generate.recipes.dots", recipe)
    return recipe


def weights(folder):
    return sample.load(folder / "checkpoint.safetensors")[1].state_dict()


def test_a_run_leaves_pictures_and_goes_on_bit_for_bit(tmp_path, capsys):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main(["generate", "dots", "--out", str(whole), "--epochs", "5"]) == 0
    said = capsys.readouterr().out
    assert "dots: The mean image." in said and "8 examples of 1x4x4" in said
    assert "Epoch 5/5" in said and "loss: " in said
    names = ["checkpoint.safetensors", "losses.png", "samples.png"]
    assert sorted(p.name for p in whole.iterdir()) == names
    assert all((whole / name).read_bytes()[:4] == b"\x89PNG" for name in names[1:])
    for epochs in ("2", "5", "5"):
        assert main(["generate", "dots", "--out", str(cut), "--epochs", epochs]) == 0
    assert "going on after epoch 5" in capsys.readouterr().out
    first, second = weights(whole), weights(cut)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_other_settings_are_another_run(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    assert main(["generate", "dots", *out]) == 0
    assert main(["generate", "dots", "--seed", "1", *out]) == 2
    assert "of another run (now seed 1); --fresh begins anew" in capsys.readouterr().err
    assert main(["generate", "dots", "--seed", "1", "--fresh", *out]) == 0


def test_an_error_in_a_step_leaves_the_checkpoint_as_it_was(tmp_path, monkeypatch, dots):
    assert main(["generate", "dots", "--out", str(tmp_path), "--epochs", "1"]) == 0
    files = [tmp_path / "checkpoint.safetensors", tmp_path / "samples.png"]
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    made = dots.model

    def failing(x):
        model = made(x)
        take = model.train_step

        def step(optimizer, x):
            take(optimizer, x)
            raise ZeroDivisionError

        model.train_step = step
        return model

    monkeypatch.setattr(dots, "model", failing)
    with pytest.raises(ZeroDivisionError):
        main(["generate", "dots", "--out", str(tmp_path), "--epochs", "2"])
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before


def test_samples_of_a_checkpoint(tmp_path, capsys):
    assert main(["generate", "dots", "--out", str(tmp_path)]) == 0
    assert main(["sample", str(tmp_path), "--count", "5"]) == 0
    assert "5 samples of dots" in capsys.readouterr().out
    drawn = (tmp_path / "sampled.png").read_bytes()
    other = tmp_path / "new" / "other.png"
    assert main(["sample", str(tmp_path), "--count", "5", "--out", str(other)]) == 0
    assert other.read_bytes() == drawn, "the same seed, the same samples"
    assert main(["sample", str(tmp_path), "--seed", "1", "--count", "5", "--out", str(other)]) == 0
    assert other.read_bytes() != drawn


def test_what_is_no_checkpoint_is_refused(tmp_path, capsys):
    assert main(["sample", str(tmp_path)]) == 2
    assert "there is no file" in capsys.readouterr().err
    nn.save_weights(nn.Linear(2, 2), tmp_path / "weights.safetensors")
    assert main(["sample", str(tmp_path / "weights.safetensors")]) == 2
    assert "is no training state" in capsys.readouterr().err


def test_without_a_name_all_are_listed(capsys):
    assert main(["generate"]) == 0
    assert capsys.readouterr().out == "dots            The mean image.\n"
    assert generate.__doc__


def picture(path, colour, size=(20, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def test_a_folder_of_images(tmp_path):
    picture(tmp_path / "b" / "one.png", (255, 0, 0))
    picture(tmp_path / "a" / "two.jpg", (0, 0, 255), (7, 30))
    picture(tmp_path / "a" / "grey.bmp", 51, mode="L")
    picture(tmp_path / ".hidden" / "no.png", (0, 255, 0))
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "b" / "broken.png").write_bytes((tmp_path / "b" / "one.png").read_bytes()[:50])
    with pytest.warns(UserWarning, match=r"broken\.png is skipped") as warned:
        x, y = found = data.image_folder(tmp_path, 8)
    assert len(warned) == 1
    assert x.shape == (3, 3, 8, 8) and x.dtype == np.float32
    assert found.classes == ("a", "b") and y.tolist() == [0, 0, 1]
    np.testing.assert_allclose(x[0], 0.2, atol=1e-6)
    np.testing.assert_allclose(x[1, :, 4, 4], [0, 0, 1], atol=0.02)
    np.testing.assert_array_equal(x[2, :, 4, 4], [1, 0, 0])
    with pytest.warns(UserWarning):
        grey = data.image_folder(tmp_path, 8, channels=1)
    assert grey.x.shape == (3, 1, 8, 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_is_not_cut_off(tmp_path, channels):
    shades = (np.arange(64).reshape(8, 8) * 1000).astype(np.uint16)
    Image.fromarray(shades).save(tmp_path / "deep.png")
    x, _ = data.image_folder(tmp_path, 8, channels)
    np.testing.assert_allclose(x[0], np.stack([shades / 65535] * channels), atol=1 / 255)


def test_what_is_no_folder_of_images_is_refused(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        data.image_folder(tmp_path / "none")
    with pytest.raises(ValueError, match="none of 0 files below"):
        data.image_folder(tmp_path)
    with pytest.raises(ValueError, match="channels must be 1"):
        data.image_folder(tmp_path, channels=2)
    for size in (0, (8, 8), 8.0):
        with pytest.raises(ValueError, match="size must be a number of pixels"):
            data.image_folder(tmp_path, size)
    done = main(["generate", "dots", "--data", str(Path(tmp_path)), "--out", str(tmp_path / "out")])
    assert done == 2 and "is an image" in capsys.readouterr().err


def test_training_on_a_folder(tmp_path, capsys):
    for k in range(5):
        picture(tmp_path / "mine" / f"{k}.png", 50 * k, mode="L")
    out = tmp_path / "out"
    done = main(["generate", "dots", "--data", str(tmp_path / "mine"), "--out", str(out)])
    assert done == 0 and f"5 examples of 1x4x4 of {tmp_path}" in capsys.readouterr().out
