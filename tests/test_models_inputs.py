"""What models say to inputs that do not fit them, and that an empty batch gives an empty one."""

import re

import numpy as np
import pytest

from tatami import models, random
from tatami.autograd import Tensor
from tatami.models.autoencoder import rate_penalty
from tatami.models.wavenet import mu_law_encode


def images(*shape):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def generator():
    return np.random.default_rng(0)


def diffusion():
    return models.Diffusion(1, 8, 3, width=8, steps=20)


def wavenet(classes=None):
    return models.WaveNet([1, 2], classes, channels=4, skip=8)


def avatar():
    return models.Avatar(points=3, size=16, width=4)


def trained(model, *batch):
    model.compile()
    return lambda: model.fit(*batch, verbose=0)


EMPTY = {
    "Avatar": (
        lambda: avatar().frame(
            avatar().meet(images(0, 3, 16, 16), images(0, 3, 2)), images(0, 3, 2)
        ),
        3,
    ),
    "Diffusion": (lambda: diffusion().sample(0, steps=2, rng=generator()), 1),
    "WaveNet": (lambda: wavenet().sample(0, 5, rng=generator()), 5),
    "Classifier.features": (lambda: models.Classifier(1, 10, 4).features(images(0, 1, 8, 8)), 16),
    "Classifier": (lambda: models.Classifier(1, 10, 4).probabilities(images(0, 1, 8, 8)), 10),
    "Pix2Pix": (lambda: models.Pix2Pix(1, 3, 4, 4, 1).translate(images(0, 1, 16, 16)), 3),
}


@pytest.mark.parametrize("name", EMPTY)
def test_of_no_rows_there_are_none(name):
    call, columns = EMPTY[name]
    assert call().shape[:2] == (0, columns)


SHAPES = {
    "UNet: x must have shape (N, 2, H, W), got (1, 3, 8, 8)": lambda: models.UNet(2, 1, 1, 4)(
        images(1, 3, 8, 8)
    ),
    "ConvAutoencoder: height and width must be multiples of 4": lambda: models.ConvAutoencoder(
        (1, 4, 2)
    )(images(1, 1, 6, 8)),
    "ConvVAE: x must have shape (N, 1, 8, 8), got (1, 1, 16, 4)": lambda: models.ConvVAE(
        (1, 8, 8), 2, (4, 8)
    ).codes(images(1, 1, 16, 4)),
    "Discriminator: x must have shape (N, C, 16, 16), got (2, 1, 20, 20)": lambda: models.DCGAN(
        16, 1, 4, 4
    )(images(2, 1, 20, 20)),
    "Pix2Pix: y must have shape (N, 3, 16, 16), got (2, 1, 16, 16)": trained(
        models.Pix2Pix(1, 3, 4, 2, 1), images(2, 1, 16, 16), images(2, 1, 16, 16)
    ),
    "Embedder: image must have shape (N, 3, 16, 16), got (1, 3, 32, 8)": lambda: avatar().meet(
        images(1, 3, 32, 8), images(1, 3, 2)
    ),
    "Embedder: points must have shape (N, 3, 2), got (1, 2, 3)": lambda: avatar().meet(
        images(1, 3, 16, 16), images(1, 2, 3)
    ),
    "FrameNetwork: points must have shape (N, 3, 2), got (1, 6)": lambda: avatar().frame(
        avatar().meet(images(1, 3, 16, 16), images(1, 3, 2)), images(1, 6)
    ),
    "Diffusion: x must have shape (N, 1, 8, 8), got (2, 1, 16, 16)": trained(
        diffusion(), images(2, 1, 16, 16)
    ),
    "WaveNet: x must have shape (N, T), got (2, 1, 9)": trained(wavenet(), images(2, 1, 9)),
}


@pytest.mark.parametrize("message", SHAPES)
def test_another_shape_is_refused(message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SHAPES[message]()


TOLD = {
    "Told": lambda y: models.ConditionalVAE(3, (1, 4, 4), 2, (8,)).sample(4, y, rng=generator()),
    "ConditionalGAN": lambda y: models.ConditionalGAN(3, 16, 1, 4, 4).sample(4, y, rng=generator()),
    "Diffusion": lambda y: diffusion().sample(4, y, steps=2, rng=generator()),
    "WaveNet": lambda y: wavenet(3).sample(4, 5, y, rng=generator()),
}


@pytest.mark.parametrize("name", TOLD)
def test_labels_are_one_for_all_or_one_a_row(name):
    sample = TOLD[name]
    for wrong in ([0, 1], [[0], [1], [2], [0]], [[0, 1, 2, 0]]):
        with pytest.raises(ValueError, match=rf"{name}: labels must be one class or \(4,\)"):
            sample(wrong)
    with pytest.raises(TypeError, match=f"{name}: labels must be integers, not float64"):
        sample([0.0, 1.0, np.nan, 0.0])
    made = []
    for same in (2, [2, 2, 2, 2], np.full(4, 2, np.uint8), Tensor(np.full(4, 2))):
        random.manual_seed(0)
        made.append(sample(same))
        np.testing.assert_array_equal(made[-1], made[0])


@pytest.mark.parametrize("build, x", [(diffusion, (4, 1, 8, 8)), (lambda: wavenet(3), (4, 9))])
def test_a_step_takes_labels_as_a_tensor_or_an_array(build, x):
    model, x = build(), Tensor(images(*x))
    of = [model.test_step(x, y)["loss"].item() for y in (Tensor([0, 1, 2, 0]), np.arange(4) % 3)]
    assert of[0] == of[1]


SIZES = {
    "Diffusion: steps must be 1 to 20": lambda: diffusion().sample(1, steps=0, rng=generator()),
    "not 21": lambda: diffusion().sample(1, steps=21, rng=generator()),
    "Diffusion: eta must be 0 to 1": lambda: diffusion().sample(
        1, steps=2, eta=2.0, rng=generator()
    ),
    "rate_penalty: rate must lie between 0 and 1, not 0": lambda: rate_penalty(images(2, 3), 0),
    "rate_penalty: rate must lie between 0 and 1, not 1": lambda: rate_penalty(images(2, 3), 1),
    "mu_law_encode: x holds NaN": lambda: mu_law_encode([0.0, np.nan]),
}


@pytest.mark.parametrize("message", SIZES)
def test_numbers_that_mean_nothing_are_refused(message):
    with pytest.raises(ValueError, match=message):
        SIZES[message]()
