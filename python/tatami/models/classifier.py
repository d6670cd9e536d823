"""A small convolutional classifier: the eye that judges made images."""

from .. import functional as F
from .. import nn


class Classifier(nn.Module):
    """Scores (N, classes) of images (N, channels, H, W), by way of ``width * 4`` features.

    >>> eye = Classifier(channels=1, classes=10)
    >>> eye.features(numpy.zeros((5, 1, 8, 8), numpy.float32)).shape
    (5, 64)
    """

    def __init__(self, channels=1, classes=10, width=16):
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1),
            nn.ReLU(),
            nn.GlobalMaxPool2d(),
        )
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x):
        return self.head(self.body(x))

    def features(self, x):
        """What the last layer sees of images, as an array (N, 4 width)."""
        return self.body.predict(x, 256)

    def probabilities(self, x):
        """The probability of each class, as an array (N, classes)."""
        return F.softmax(self.predict(x, 256), axis=1)
