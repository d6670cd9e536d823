"""Modules made of modules."""

from itertools import pairwise

from .activation import ReLU
from .module import Module
from .pool import MaxPool1d, MaxPool2d


class Sequential(Module):
    """Modules one after the other; their names are their places: ``0.weight``, ``0.bias``.

    ``Sequential(a, b)``, ``Sequential([a, b])``, or with names ``Sequential({"first": a, ...})``.
    A ReLU that a max pooling follows is computed after it: the same values and gradients, from
    fewer elements.
    """

    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                _put(self, name, module)
            return
        if len(modules) == 1 and isinstance(modules[0], (list, tuple)):
            (modules,) = modules
        for module in modules:
            self.add(module)

    def add(self, module):
        """Append a module; returns the container."""
        _put(self, str(len(self)), module)
        return self

    append = add

    def forward(self, x):
        for module in _pooled_first([m for m in vars(self).values() if isinstance(m, Module)]):
            x = module(x)
        return x

    def __len__(self):
        return len(self.named_children())

    def __iter__(self):
        return iter(self.children())

    def __getitem__(self, k):
        chosen = self.children()[k]
        return Sequential(*chosen) if isinstance(k, slice) else chosen

    def arguments(self):
        """The modules that are there now: a tuple, or a dict where they have names."""
        names = [name for name, _ in self.named_children()]
        if names == [str(k) for k in range(len(names))]:
            return {"modules": tuple(self.children())}
        return {"modules": (dict(self.named_children()),)}


class ModuleList(Module):
    """A list of modules for a module's own ``forward`` to use; their names are their places."""

    def __init__(self, modules=()):
        self.extend(modules)

    def append(self, module):
        """Append a module; returns the list."""
        _put(self, str(len(self)), module)
        return self

    def extend(self, modules):
        """Append several modules; returns the list."""
        for module in modules:
            self.append(module)
        return self

    def forward(self, *args):
        raise NotImplementedError("ModuleList: call the modules in it, not the list")

    def __len__(self):
        return len(self.named_children())

    def __iter__(self):
        return iter(self.children())

    def __getitem__(self, k):
        chosen = self.children()[k]
        return ModuleList(chosen) if isinstance(k, slice) else chosen

    def arguments(self):
        return {"modules": tuple(self.children())}


def _pooled_first(modules):
    """In the order of computation: the maximum of a window is the same before and after ReLU."""
    for k, (first, second) in enumerate(pairwise(modules)):
        if type(first) is ReLU and type(second) in (MaxPool1d, MaxPool2d):
            watched = "forward" in {**vars(first), **vars(second)}  # by whom the order is seen
            if not watched and not second.return_indices:
                modules[k], modules[k + 1] = second, first
    return modules


def _put(container, name, module):
    kind = type(container).__name__
    if not isinstance(module, Module):
        raise TypeError(f"{kind}: {module!r} is not a module")
    if not isinstance(name, str) or not name or "." in name or hasattr(container, name):
        raise ValueError(f"{kind}: a module cannot have the name {name!r}")
    setattr(container, name, module)
