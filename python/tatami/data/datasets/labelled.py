"""Rows and their targets."""


class Labelled(tuple):
    """The pair ``(x, y)``, which knows the names of its ``classes`` and ``features``."""

    def __new__(cls, x, y, classes=(), features=()):
        self = super().__new__(cls, (x, y))
        self.x, self.y = x, y
        self.classes = tuple(classes)
        self.features = tuple(features)
        return self

    def __getnewargs__(self):
        return self.x, self.y, self.classes, self.features
