"""Pictures of training, weights, activations and losses, on matplotlib.

Every function draws on ``ax`` where it is given (matplotlib axes), else on a new figure, and
returns the axes, or the figure where it fills several. With ``path`` the picture is written there
and nothing is shown; without it, notebooks and ``matplotlib.pyplot.show()`` display it.
matplotlib is loaded at the first picture: ``pip install "tatami[viz]"``.
"""

from .activations import activation, sampled
from .confusion import confusion_matrix
from .curves import bars, curve, history, lines
from .depth import distributions
from .images import feature_maps, image_rows, images, matrix, weights
from .plane import regions, scatter
from .style import panels
from .surface import Landscape, animation, race, surface

__all__ = [
    "Landscape",
    "activation",
    "animation",
    "bars",
    "confusion_matrix",
    "curve",
    "distributions",
    "feature_maps",
    "history",
    "image_rows",
    "images",
    "lines",
    "matrix",
    "panels",
    "race",
    "regions",
    "sampled",
    "scatter",
    "surface",
    "weights",
]
