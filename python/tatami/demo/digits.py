"""The network, and how one is trained on the digits."""

from .. import nn, optim, random, training
from ..data.augment import Shift
from ..training import callbacks


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


class TestCurve(training.Callback):
    """Accuracy on the test images after every epoch: for the picture, nothing is chosen by it."""

    def __init__(self, test):
        self.test = test
        self.accuracy = []

    def on_epoch_end(self, epoch, logs=None):
        _, accuracy = training.evaluate(self.model, *self.test)
        self.accuracy.append(accuracy)


def train(seed, epochs, train, test, batch_size=32, device="cpu"):
    """One network: the model, and by epoch its loss, accuracy and test accuracy."""
    random.manual_seed(seed)
    model = network().to(device)
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    images, digits = train
    steps = epochs * -(-len(images) // batch_size)
    curve = TestCurve(test)
    cosine = callbacks.LearningRateScheduler(optim.CosineAnnealingLR(optimizer, steps), per="batch")
    progress = training.Progress(f"seed {seed}", images=len(images), one_line=True)
    training.compile(model, optimizer, "cross_entropy", metrics=["accuracy"])
    run = training.fit(
        model,
        images,
        digits,
        batch_size,
        epochs,
        augment=Shift(1 / 8),  # by up to a pixel
        callbacks=[progress, cosine, curve],
        verbose=0,
    )
    return model, {**run.history, "val_accuracy": curve.accuracy}
