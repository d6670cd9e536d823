"""Real data: what libraries bring along, and files that others offer.

Each function returns ``(x, y)``: rows and their targets; classes are numbers from 0, and
``.classes`` of the result has their names. Images are (N, C, H, W), float32 from 0 to 1.
"""

from .bundled import breast_cancer, diabetes, digits, iris, photo, photos, wine
from .cifar import cifar10
from .idx import fashion_mnist, mnist
from .labelled import Labelled
from .text import python_docs

__all__ = [
    "Labelled",
    "breast_cancer",
    "cifar10",
    "diabetes",
    "digits",
    "fashion_mnist",
    "iris",
    "mnist",
    "photo",
    "photos",
    "python_docs",
    "wine",
]
