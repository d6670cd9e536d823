"""Training as Keras users know it: compile, fit, evaluate, predict, callbacks, checkpoints."""

from . import callbacks
from .callback import Callback
from .checkpoint import load_checkpoint, read_checkpoint, write_checkpoint
from .compile import compile
from .fit import evaluate, fit, predict
from .history import History
from .progress import Progress

__all__ = [
    "Callback",
    "History",
    "Progress",
    "callbacks",
    "compile",
    "evaluate",
    "fit",
    "load_checkpoint",
    "predict",
    "read_checkpoint",
    "write_checkpoint",
]
