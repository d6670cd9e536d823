"""Random changes of images: what each of them does to known pictures."""

import numpy as np
import pytest

import tatami
from tatami.data import augment as A

EVERY = [
    A.Shift(0.2),
    A.Flip(),
    A.Flip(vertical=True),
    A.Zoom((0.8, 1.3)),
    A.Rotate(20),
    A.Shear(15),
    A.Elastic(),
    A.Crop(8, padding=2),
    A.CutOut(3),
    A.Contrast(),
    A.Brightness(),
    A.Noise(),
    A.Compose(A.Shift(), A.Rotate(), A.Elastic(), A.Zoom(), A.Noise()),
]


def images(n=5, dtype=np.float32):
    return np.random.default_rng(1).random((n, 3, 8, 12)).astype(dtype)


def name(transform):
    return type(transform).__name__


@pytest.mark.parametrize("transform", EVERY, ids=name)
def test_seeded_changes_of_their_own_for_every_image(transform):
    for dtype in (np.float32, np.float64):
        x = np.tile(images(1, dtype), (40, 1, 1, 1))
        before = x.copy()
        y = transform(x, np.random.default_rng(0))
        np.testing.assert_array_equal(x, before)
        assert y.dtype == dtype and y.shape[:3] == x.shape[:3]
        assert not all(np.array_equal(image, y[0]) for image in y)
        np.testing.assert_array_equal(y, transform(x, np.random.default_rng(0)))
        tatami.manual_seed(7)
        first = transform(x)
        tatami.manual_seed(7)
        np.testing.assert_array_equal(first, transform(x))
        assert transform(x[:0]).shape[0] == 0
    with pytest.raises(ValueError, match=rf"^{name(transform)}: x must be .*uint8"):
        transform(x.astype(np.uint8))


def drawn(transform, x):
    """The transform with every random number at its upper end."""

    class Upper:
        def uniform(self, low, high, size):
            return np.full(size, high, float)

        def random(self, size):
            return np.zeros(size)

    return transform(x, Upper())


def test_pixels_go_where_they_should():
    x = images()
    np.testing.assert_array_equal(drawn(A.Flip(), x), x[..., ::-1])
    np.testing.assert_array_equal(drawn(A.Flip(vertical=True), x), x[:, :, ::-1])
    moved = drawn(A.Shift((0.25, 0.5)), x)  # 3 to the left, 4 up
    np.testing.assert_allclose(moved[:, :, :4, :9], x[:, :, 4:, 3:], atol=1e-5)
    assert not moved[:, :, 4:].any() and not moved[..., 9:].any()
    held = drawn(A.Shift((0.25, 0.5), padding_mode="border"), x)
    np.testing.assert_allclose(held[:, :, 7, 11], x[:, :, 7, 11], atol=1e-5)
    square = x[..., :8]
    turned = np.rot90(square, 1, axes=(2, 3))
    np.testing.assert_allclose(drawn(A.Rotate(90), square), turned, atol=1e-5)
    doubled = drawn(A.Zoom((2.0, 2.0)), x)
    np.testing.assert_allclose(
        doubled[:, :, 3:5, 5:7].mean((2, 3)), x[:, :, 3:5, 5:7].mean((2, 3)), atol=1e-5
    )
    slanted = drawn(A.Shear(np.degrees(np.arctan(1.0))), square)
    np.testing.assert_allclose(
        slanted[0, 0, 7, :4], (x[0, 0, 7, 3:7] + x[0, 0, 7, 4:8]) / 2, atol=1e-5
    )


def test_many_changes_of_places_read_the_image_once():
    """Turning there and back again leaves the middle as it was, without a blur."""
    x = images()
    there, back = A.Rotate((30, 30)), A.Rotate((-30, -30))
    np.testing.assert_allclose(A.Compose(there, back)(x), x, atol=1e-5)
    zoom = A.Compose(A.Zoom((0.5, 0.5)), A.Elastic(alpha=0.0), A.Zoom((2.0, 2.0)))
    np.testing.assert_allclose(zoom(x), x, atol=1e-5)
    mixed = A.Compose(A.Zoom((0.5, 0.5)), A.Brightness((1.0, 1.0)), A.Zoom((2.0, 2.0)))
    assert np.abs(mixed(x) - 1 - x).max() > 0.01  # two readings


def test_elastic_moves_as_far_as_it_says():
    ways = A.Elastic(alpha=2.0, sigma=3.0).draw(
        np.zeros((300, 1, 24, 32)), np.random.default_rng(0)
    )
    pixels = ways * np.array([16, 12]).reshape(2, 1, 1)
    far = np.square(pixels).sum(axis=1).mean(axis=0) ** 0.5
    np.testing.assert_allclose(far, 2.0, rtol=0.15)
    steps = np.abs(np.diff(pixels, axis=3)).mean()
    assert steps < 0.6  # neighbours go together


def test_crops_and_holes():
    x = images()
    y = A.Crop((8, 12), padding=3, fill=-1.0)(x, np.random.default_rng(0))
    assert y.shape == x.shape and (y == -1).any()
    np.testing.assert_array_equal(A.Crop((8, 12))(x), x)
    with pytest.raises(ValueError, match=r"size is \(9, 9\) but .*\(8, 12\)"):
        A.Crop(9)(x)
    covered = A.CutOut((4, 6), fill=9.0)(x, np.random.default_rng(0)) == 9
    assert ((covered.sum((2, 3)) > 0) & (covered.sum((2, 3)) <= 24)).all()
    assert (covered == covered[:, :1]).all() and len({c.tobytes() for c in covered}) > 1


def test_values():
    x = images()
    strong = drawn(A.Contrast((2.0, 2.0)), x)
    mean = x.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(strong, mean + 2 * (x - mean), atol=1e-5)
    np.testing.assert_allclose(drawn(A.Brightness(0.5), x), x + 0.5)
    noise = A.Noise(0.1)(np.zeros((100, 3, 8, 8), np.float32), np.random.default_rng(0))
    np.testing.assert_allclose(noise.std(), 0.1, rtol=0.02)
    with pytest.raises(ValueError, match="lower end must come first"):
        A.Rotate((3, 1))
