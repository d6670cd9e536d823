"""Optimizers with PyTorch's names, arguments and defaults, on the fused kernels."""

from .adam import Adam, AdamW
from .optimizer import Optimizer
from .schedule import CosineAnnealingLR
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "CosineAnnealingLR", "Optimizer"]
