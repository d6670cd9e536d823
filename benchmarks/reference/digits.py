"""Writes the digits for a Python that has PyTorch but no scikit-learn: digits.py FILE.npz."""

import sys

import numpy as np

from tatami.examples._digits import load

if __name__ == "__main__":
    (x_train, y_train), (x_test, y_test) = load()
    np.savez(sys.argv[1], x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
