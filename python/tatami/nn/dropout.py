"""Dropout."""

from .. import functional as F
from .module import Module


class Dropout(Module):
    """Zeros with probability ``p`` while training, the others scaled by 1 / (1 - p)."""

    def __init__(self, p=0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must lie between 0 and 1, not {p}")
        self.p = p

    def forward(self, x):
        return F.dropout(x, self.p, self.training)

    def extra_repr(self):
        return f"p={self.p}"
