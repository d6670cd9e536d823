"""Writes what U-Net and pix2pix learn for a Python with PyTorch alone: photographs.py FILE.npz."""

import sys

import numpy as np

from tatami.examples import unet
from tatami.generate import recipes
from tatami.generate.subjects import photos

if __name__ == "__main__":
    (x, masks), (x_test, masks_test) = unet.grass()
    grey, added = recipes.recipe("unet").data(None, None)
    arrays = {"x": x, "masks": masks, "x_test": x_test, "masks_test": masks_test}
    held_out = dict(zip(photos.HELD_OUT, unet.held_out()))
    arrays["edges"], arrays["photographs"] = recipes.recipe("pix2pix").data(None, None)
    arrays["edges_test"], arrays["photographs_test"] = recipes.recipe("pix2pix").held_out()
    np.savez(sys.argv[1], grey=grey, added=added, **arrays, **held_out)
