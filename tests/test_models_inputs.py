"""What models say to inputs that do not fit them, and that an empty batch gives an empty one."""

import numpy as np
import pytest

from tatami import models


def images(*shape):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def generator():
    return np.random.default_rng(0)


EMPTY = {
    "Classifier.features": (lambda: models.Classifier(1, 10, 4).features(images(0, 1, 8, 8)), 16),
    "Classifier": (lambda: models.Classifier(1, 10, 4).probabilities(images(0, 1, 8, 8)), 10),
    "Pix2Pix": (lambda: models.Pix2Pix(1, 3, 4, 4, 1).translate(images(0, 1, 16, 16)), 3),
}


@pytest.mark.parametrize("name", EMPTY)
def test_of_no_rows_there_are_none(name):
    call, columns = EMPTY[name]
    assert call().shape[:2] == (0, columns)
