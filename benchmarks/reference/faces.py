"""Writes the faces that the avatar learns for a Python with PyTorch alone: faces.py FILE.npz."""

import sys

import numpy as np

from tatami.generate.recipes import avatar as recipe

if __name__ == "__main__":
    arrays = {}
    for part, count, seed in (
        ("train", recipe.PEOPLE, recipe.LEARNING_SEED),
        ("test", 128, recipe.HELD_OUT_SEED),
    ):
        (image, points, there), target = recipe.pairs(count, seed)
        found = {"image": image, "points": points, "there": there, "target": target}
        arrays |= {f"{name}_{part}": array for name, array in found.items()}
    np.savez(sys.argv[1], **arrays)
