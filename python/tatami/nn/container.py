"""Modules made of modules."""

from .module import Module


class Sequential(Module):
    """Modules one after the other; their names are their places: ``0.weight``, ``0.bias``.

    ``Sequential(a, b)``, ``Sequential([a, b])``, or with names ``Sequential({"first": a, ...})``.
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
        for module in list(vars(self).values()):
            if isinstance(module, Module):
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


def _put(container, name, module):
    kind = type(container).__name__
    if not isinstance(module, Module):
        raise TypeError(f"{kind}: {module!r} is not a module")
    if not isinstance(name, str) or not name or "." in name or hasattr(container, name):
        raise ValueError(f"{kind}: a module cannot have the name {name!r}")
    setattr(container, name, module)
