"""Modules made of modules."""

from .module import Module


class Sequential(Module):
    """Modules one after the other; their names are their places: ``0.weight``, ``0.bias``."""

    def __init__(self, *modules):
        for module in modules:
            self.add(module)

    def add(self, module):
        """Append a module."""
        setattr(self, str(len(self)), module)

    def forward(self, x):
        for _, module in self.children():
            x = module(x)
        return x

    def __len__(self):
        return len(self.children())

    def __getitem__(self, k):
        return self.children()[k][1]
