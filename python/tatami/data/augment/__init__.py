"""Random changes of images that leave their meaning as it is.

>>> augment = Compose(Shift(0.1), Rotate(10), Flip(), Noise(0.02))
>>> x = numpy.zeros((8, 3, 32, 32), numpy.float32)
>>> augment(x, numpy.random.default_rng(0)).shape
(8, 3, 32, 32)
"""

from .compose import Compose
from .geometry import Elastic, Flip, Geometric, Rotate, Shear, Shift, Zoom
from .pixels import Brightness, Contrast, Crop, CutOut, Noise
from .transform import Transform

__all__ = [
    "Brightness",
    "Compose",
    "Contrast",
    "Crop",
    "CutOut",
    "Elastic",
    "Flip",
    "Geometric",
    "Noise",
    "Rotate",
    "Shear",
    "Shift",
    "Transform",
    "Zoom",
]
