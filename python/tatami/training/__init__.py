"""Training loops."""

from .batches import batches
from .callback import Callback
from .fit import evaluate, fit, predict
from .progress import Progress

__all__ = ["Callback", "Progress", "batches", "evaluate", "fit", "predict"]
