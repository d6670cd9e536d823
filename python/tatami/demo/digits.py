"""The data, the network, and how one is trained on the other."""

from dataclasses import dataclass

import numpy as np

from .. import nn, optim, random, training
from ..training import callbacks


@dataclass(frozen=True)
class Digits:
    """Images (N, 1, 8, 8) between 0 and 1 and the digits they show."""

    images: np.ndarray
    targets: np.ndarray

    def __len__(self):
        return len(self.targets)


def load():
    """scikit-learn's digits: three quarters to learn from, one to test on, fixed once."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, targets = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    split = train_test_split(images, targets, test_size=0.25, stratify=targets, random_state=0)
    return Digits(split[0], split[2]), Digits(split[1], split[3])


def network():
    """LeNet's plan (LeCun et al., 1998) for 8x8 pixels, with batch normalization and dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def shifted(images, rng):
    """Every image moved by up to one pixel in each direction."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    views = np.lib.stride_tricks.sliding_window_view(padded, images.shape[2:], axis=(2, 3))
    down, right = rng.integers(0, 3, (2, len(images)))
    return views[np.arange(len(images)), :, down, right]


class TestCurve(training.Callback):
    """Accuracy on the test images after every epoch: for the picture, nothing is chosen by it."""

    def __init__(self, test):
        self.test = test
        self.accuracy = []

    def on_epoch_end(self, epoch, logs=None):
        _, accuracy = training.evaluate(self.model, self.test.images, self.test.targets)
        self.accuracy.append(accuracy)


def train(seed, epochs, train, test, batch_size=32):
    """One network: the model, and by epoch its loss, accuracy and test accuracy."""
    random.manual_seed(seed)
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    steps = epochs * -(-len(train) // batch_size)
    curve = TestCurve(test)
    cosine = callbacks.LearningRateScheduler(optim.CosineAnnealingLR(optimizer, steps), per="batch")
    progress = training.Progress(f"seed {seed}", images=len(train), one_line=True)
    training.compile(model, optimizer, "cross_entropy", metrics=["accuracy"])
    run = training.fit(
        model,
        train.images,
        train.targets,
        batch_size,
        epochs,
        augment=shifted,
        callbacks=[progress, cosine, curve],
        verbose=0,
    )
    return model, {**run.history, "val_accuracy": curve.accuracy}
