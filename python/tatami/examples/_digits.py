"""The 1,797 handwritten digits of 8x8 pixels that the examples learn from."""

import numpy as np


def load():
    """Images (N, 1, 8, 8) from 0 to 1 and digits (N,): three quarters, and the last quarter."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images = (images[order] / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    cut = len(images) * 3 // 4
    return (images[:cut], digits[order][:cut]), (images[cut:], digits[order][cut:])
