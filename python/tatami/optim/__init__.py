"""Optimizers with PyTorch's names, arguments and defaults, on the fused kernels."""

from ..nn.utils import clip_grad_norm_, clip_grad_value_
from . import lr_scheduler
from .adam import Adam, Adamax, AdamW, AMSGrad, NAdam, Nadam
from .adaptive import Adadelta, Adagrad, RMSprop
from .ema import EMA
from .lr_scheduler import CosineAnnealingLR
from .optimizer import Optimizer
from .sgd import SGD

__all__ = [
    "EMA",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineAnnealingLR",
    "NAdam",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
]
