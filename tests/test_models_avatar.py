"""Avatars in two layers, and the drawn faces that they learn from."""

import numpy as np
import pytest

import tatami
from tatami import Tensor, nn
from tatami.generate.recipes import avatar as recipe
from tatami.generate.subjects import faces
from tatami.models import Avatar


def small(size=16):
    tatami.manual_seed(0)
    return Avatar(points=faces.POINTS, size=size, width=4)


def pairs(count=4, size=16, seed=0):
    rng = np.random.default_rng(seed)
    who, first, second = faces.people(count, rng), faces.poses(count, rng), faces.poses(count, rng)
    x = faces.draw(who, first, size), faces.points(who, first), faces.points(who, second)
    return x, faces.draw(who, second, size)


def trained(**how):
    model = small(**how)
    model.compile()
    x, y = pairs(8, **how)
    model.fit(x, y, batch_size=4, epochs=3, verbose=0)
    return model


@pytest.mark.parametrize("size", [16, 32, 64])
def test_an_untrained_avatar_gives_back_the_picture_that_it_met(size):
    """No texture is added, nothing is moved: both layers of the picture itself add up to it."""
    (image, points, others), _ = pairs(2, size)
    model = Avatar(points=faces.POINTS, size=size, width=4)
    for layer in (model.network.last, model.embedder.texture.last):
        nn.init.zeros_(layer.bias)
    person = model.meet(image, points)
    np.testing.assert_allclose(model.frame(person, others), image, atol=1e-6)
    coarse, fine = model.layers(person, Tensor(others))
    assert np.abs(fine.data).mean() > 0.01 < np.abs(coarse.data - image).mean()


def test_meeting_once_and_then_frames_is_the_whole_network():
    model = trained()
    (image, points, others), _ = pairs(3, seed=1)
    with tatami.no_grad():
        whole = model.eval()(*map(Tensor, (image, points, others)))
    np.testing.assert_array_equal(
        model.frame(model.meet(image, points), others), whole.data.clip(0, 1)
    )


def test_people_do_not_mix():
    model = trained()
    (image, points, others), _ = pairs(3, seed=1)
    together = model.frame(model.meet(image, points), others)
    for k in range(3):
        rows = slice(k, k + 1)
        alone = model.frame(model.meet(image[rows], points[rows]), others[rows])
        np.testing.assert_allclose(alone, together[rows], atol=1e-5)


def test_it_learns_and_any_number_of_threads_gives_the_same_bits():
    x, y = pairs(8)
    before, model = small(), trained()
    before.compile()
    after, first = (m.evaluate(x, y, return_dict=True)["l1"] for m in (model, before))
    assert after < first
    with tatami.threads(3):
        again = trained()
    first, second = model.state_dict(), again.state_dict()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_saved_and_loaded(tmp_path):
    model = trained()
    nn.save_model(model, tmp_path / "avatar.safetensors")
    loaded = nn.load_model(tmp_path / "avatar.safetensors")
    (image, points, others), _ = pairs(2, seed=1)
    frames = [m.frame(m.meet(image, points), others) for m in (model, loaded)]
    np.testing.assert_array_equal(*frames)


def test_sizes():
    with pytest.raises(ValueError, match="power of two from 16, not 24"):
        Avatar(size=24)
    with pytest.raises(ValueError, match="takes no folder"):
        recipe.data("faces", None)


def test_faces_and_their_points_belong_together():
    rng = np.random.default_rng(3)
    who, pose = faces.people(20, rng), faces.poses(20, rng)._replace(lids=np.ones(20))
    pictures, points = faces.draw(who, pose), faces.points(who, pose)
    assert pictures.shape == (20, 3, 64, 64) and pictures.dtype == np.float32
    assert pictures.min() >= 0 and pictures.max() <= 1 and np.abs(points).max() < 1
    for n in range(20):
        for eye in range(2):  # pupils are dark, and what is around them is white
            column, row = ((points[n, eye] + 1) * 32).astype(int)
            pupil = pictures[n, :, row - 1 : row + 1, column - 1 : column + 1]
            assert pupil.max(axis=0).min() < 0.5
            around = pictures[n, :, row - 3 : row + 4, column - 5 : column + 6]
            assert around.max(axis=0).max() > 0.8
    again = faces.draw(who.chosen([4]), faces.Poses(*(part[4:5] for part in pose)))
    np.testing.assert_array_equal(again[0], pictures[4])


def test_a_film_moves_and_comes_back():
    poses = faces.nodding(8)
    assert all(part.shape == (8,) for part in poses)
    np.testing.assert_allclose(faces.nodding(16).tilt[::2], poses.tilt, atol=1e-12)
