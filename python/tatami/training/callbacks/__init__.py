"""Callbacks of ``fit``, with Keras' names and arguments."""

from ..callback import Callback
from .average import EMA
from .checkpoint import BackupAndRestore, ModelCheckpoint
from .csv_log import CSVLogger
from .function import LambdaCallback
from .nan import TerminateOnNaN
from .plateau import ReduceLROnPlateau
from .schedule import LearningRateScheduler
from .stopping import EarlyStopping
from .tensorboard import TensorBoard

__all__ = [
    "EMA",
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
