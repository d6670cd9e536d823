"""A small convolutional classifier: the eye that judges made images."""

from .. import functional as F
from .. import nn


class Classifier(nn.Module):
    """Scores (N, classes) of images (N, channels, H, W), by way of ``width * 4`` features.

    Each of ``halvings`` doubles what a feature sees: 10 pixels with one of them, 20 with two.

    >>> eye = Classifier(channels=1, classes=10)
    >>> eye.features(numpy.zeros((5, 1, 8, 8), numpy.float32)).shape
    (5, 64)
    """

    def __init__(self, channels=1, classes=10, width=16, halvings=1):
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
        )
        wide = 2 * width
        for _ in range(halvings):
            self.body.add(nn.MaxPool2d(2)).add(nn.Dropout(0.25))
            self.body.add(nn.Conv2d(wide, 4 * width, 3, padding=1)).add(nn.ReLU())
            wide = 4 * width
        self.body.add(nn.GlobalMaxPool2d())
        self.head = nn.Linear(wide, classes)

    def forward(self, x):
        return self.head(self.body(x))

    def features(self, x):
        """What the last layer sees of images, as an array (N, 4 width)."""
        return self.body.predict(x, 256)

    def probabilities(self, x):
        """The probability of each class, as an array (N, classes)."""
        return F.softmax(self.predict(x, 256), axis=1)
