"""Schedules that one formula in the number of the step gives."""

import math
from bisect import bisect_right
from collections import Counter

from .scheduler import LRScheduler, for_groups, positive


class LambdaLR(LRScheduler):
    """``lr0 * lr_lambda(t)``; a list has one function for each group."""

    left_out = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.lr_lambdas = for_groups("LambdaLR", "lr_lambda", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def first_rate(self, group, lr0):
        return self.rate(0, group, lr0)

    def rate(self, t, group, lr0):
        place = next(i for i, g in enumerate(self.optimizer.param_groups) if g is group)
        return lr0 * self.lr_lambdas[place](t)


class StepLR(LRScheduler):
    """``lr0 * gamma ** (t // step_size)``."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size = positive("StepLR", step_size=step_size)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rate(self, group, lr0):
        return group["lr"] * (1.0 if self.last_epoch % self.step_size else self.gamma)

    def rate(self, t, group, lr0):
        return lr0 * self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    """``lr0 * gamma ** (how many milestones are <= t)``."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rate(self, group, lr0):
        return group["lr"] * self.gamma ** Counter(self.milestones)[self.last_epoch]

    def rate(self, t, group, lr0):
        return lr0 * self.gamma ** bisect_right(self.milestones, t)


class ConstantLR(LRScheduler):
    """``lr0 * factor`` for ``total_iters`` steps, ``lr0`` from then on."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def first_rate(self, group, lr0):
        return group["lr"] * self.factor

    def next_rate(self, group, lr0):
        return group["lr"] / (self.factor if self.last_epoch == self.total_iters else 1.0)

    def rate(self, t, group, lr0):
        return lr0 * (self.factor if t < self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """Warm-up: ``lr0`` times a factor that goes straight from the start to the end factor."""

    def __init__(
        self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1
    ):
        if not (0 < start_factor <= 1 and 0 <= end_factor <= 1):
            raise ValueError(
                f"LinearLR: start_factor is {start_factor} and end_factor {end_factor}; "
                "both lie between 0 and 1, the first above 0"
            )
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def first_rate(self, group, lr0):
        return group["lr"] * self.start_factor

    def next_rate(self, group, lr0):
        if self.last_epoch > self.total_iters:
            return group["lr"]
        return group["lr"] * self._factor(self.last_epoch) / self._factor(self.last_epoch - 1)

    def rate(self, t, group, lr0):
        return lr0 * self._factor(t)

    def _factor(self, t):
        share = min(t, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * share


class ExponentialLR(LRScheduler):
    """``lr0 * gamma ** t``."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_rate(self, group, lr0):
        return group["lr"] * self.gamma

    def rate(self, t, group, lr0):
        return lr0 * self.gamma**t


class PolynomialLR(LRScheduler):
    """``lr0 * (1 - t / total_iters) ** power``, 0 from ``total_iters`` on."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def next_rate(self, group, lr0):
        if self.last_epoch > self.total_iters:
            return group["lr"]
        left = self.total_iters - self.last_epoch
        return group["lr"] * (left / (left + 1)) ** self.power

    def rate(self, t, group, lr0):
        return lr0 * (1 - min(t, self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """``eta_min + (lr0 - eta_min) * (1 + cos(pi * t / T_max)) / 2``: down, and up again."""

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max = positive("CosineAnnealingLR", T_max=T_max)
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def next_rate(self, group, lr0):
        before = self._height(self.last_epoch - 1)
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the lowest point
            return group["lr"] + (lr0 - self.eta_min) * self._height(self.last_epoch)
        ratio = self._height(self.last_epoch) / before
        return self.eta_min + ratio * (group["lr"] - self.eta_min)

    def rate(self, t, group, lr0):
        return self.eta_min + (lr0 - self.eta_min) * self._height(t)

    def _height(self, t):
        return (1 + math.cos(math.pi * t / self.T_max)) / 2
