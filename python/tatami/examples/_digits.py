"""The 1,797 handwritten digits of 8x8 pixels, cut for the examples."""

from tatami.data import train_test_split
from tatami.data.datasets import digits


def load():
    """Images (N, 1, 8, 8) from 0 to 1 and digits (N,): those to learn from, and 450 others."""
    x, y = digits()
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=450, stratify=y, seed=0)
    return (x_train, y_train), (x_test, y_test)
