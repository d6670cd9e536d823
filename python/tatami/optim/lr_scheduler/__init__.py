"""Learning rates that change while training, with PyTorch's names and formulas.

A schedule's :meth:`~LRScheduler.step` follows the optimizer's, once a batch or once an epoch. It
changes the rate that each group has by what one step of its formula does, so schedules may be used
together; alone, the rates are those of the formula in the class's docstring, t counting the steps
and lr0 being the group's rate at the start.
"""

from .formula import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler
from .sequential import SequentialLR

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
