"""Learning rates that change while training."""

import math


class CosineAnnealingLR:
    """Half a cosine from each group's first rate down to ``eta_min`` after ``T_max`` steps."""

    def __init__(self, optimizer, T_max, eta_min=0.0):
        self.optimizer = optimizer
        self.T_max = T_max
        self.eta_min = eta_min
        self.first = [group["lr"] for group in optimizer.param_groups]
        self.steps = 0

    def step(self):
        """Set the rates of the next step."""
        self.steps += 1
        height = (1 + math.cos(math.pi * self.steps / self.T_max)) / 2
        for group, first in zip(self.optimizer.param_groups, self.first, strict=True):
            group["lr"] = self.eta_min + (first - self.eta_min) * height
