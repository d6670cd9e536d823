"""A small convolutional classifier: the eye that judges made images."""

import numpy as np

from .. import functional as F
from .. import nn
from ..autograd import Tensor, no_grad


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
        return self._seen(self.body, x)

    def probabilities(self, x):
        """The probability of each class, as an array (N, classes)."""
        return F.softmax(self._seen(self, x), axis=1)

    @no_grad()
    def _seen(self, part, x, batch_size=256):
        parts = [x[start : start + batch_size] for start in range(0, len(x), batch_size)]
        with nn.evaluating(self):
            return np.concatenate([part(Tensor(rows)).data for rows in parts])
