"""Modules made of modules."""

from functools import partial

from ..functional.pooled_conv import pooled_conv2d
from .activation import LeakyReLU, ReLU
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, DepthwiseConv2d
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d
from .pool import MaxPool1d, MaxPool2d


class Sequential(Module):
    """Modules one after the other; their names are their places: ``0.weight``, ``0.bias``.

    ``Sequential(a, b)``, ``Sequential([a, b])``, or with names ``Sequential({"first": a, ...})``.
    A convolution computes the ReLU right behind it, a batch norm that or LeakyReLU. A ReLU that a
    max pooling follows is computed after it, from fewer elements; a convolution before both of them
    together with them, where it is faster. Values and gradients have the same bits.
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
        for step in _planned([m for m in vars(self).values() if isinstance(m, Module)]):
            x = step(x)
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


_CONVOLUTIONS = (Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, DepthwiseConv2d)


def _planned(modules):
    """The steps of the computation, functions of x."""
    for k, module in enumerate(modules):
        if type(module) in _CONVOLUTIONS and not _watched(module):
            _plan_conv(modules, k)
        elif type(module) in (BatchNorm1d, BatchNorm2d) and not _watched(module):
            _plan_norm(modules, k)
        elif type(module) in (MaxPool1d, MaxPool2d) and not _watched(module):
            _plan_pool(modules, k)
    return [step for step in modules if step is not None]


def _plan_conv(steps, k):
    """Moves the ReLU right behind the convolution ``steps[k]`` into it, but where pooling waits."""
    after, further = (steps[k + 1 : k + 3] + [None] * 2)[:2]
    if _is_plain(after, ReLU) and type(further) not in (MaxPool1d, MaxPool2d):
        steps[k : k + 2] = partial(steps[k], activation="relu"), None


def _plan_norm(steps, k):
    """Moves the activation right behind the batch norm ``steps[k]`` into it."""
    after = steps[k + 1] if k + 1 < len(steps) else None
    if _is_plain(after, ReLU):
        how = {"activation": "relu"}
    elif _is_plain(after, LeakyReLU) and after.negative_slope >= 0:
        how = {"activation": "leaky_relu", "negative_slope": after.negative_slope}
    else:
        return
    steps[k : k + 2] = partial(steps[k], **how), None


def _plan_pool(steps, k):
    """Moves a ReLU behind the max pooling ``steps[k]``, or both into the convolution before it.

    The maximum of a window is the same before and after ReLU.
    """
    pool = steps[k]
    before = k > 0 and _is_plain(steps[k - 1], ReLU) and not pool.return_indices
    first = k - 1 - before
    if first >= 0 and _in_pairs(pool) and _is_plain(steps[first], Conv2d) and steps[first].built:
        after = not before and k + 1 < len(steps) and _is_plain(steps[k + 1], ReLU)
        last = k + after
        steps[k] = partial(_pooled, steps[first], rectified=before or after)
        steps[first:k] = [None] * (k - first)
        steps[k + 1 : last + 1] = [None] * (last - k)
    elif before:
        steps[k - 1], steps[k] = pool, steps[k - 1]


def _pooled(conv, x, rectified):
    return pooled_conv2d(*conv.operands(x), rectified=rectified)


def _is_plain(module, kind):
    return type(module) is kind and not _watched(module)


def _watched(module):
    """Whether someone has put a ``forward`` of their own there, and sees the order."""
    return "forward" in vars(module)


def _in_pairs(pool):
    """Whether the windows are 2x2 and side by side."""
    if type(pool) is not MaxPool2d:
        return False
    size, stride, padding, dilation, *flags = pool.settings()
    twos, ones, zeros = ((k, (k, k)) for k in (2, 1, 0))
    plain = padding in zeros and dilation in ones and not any(flags)
    return size in twos and (stride is None or stride in twos) and plain


def _put(container, name, module):
    kind = type(container).__name__
    if not isinstance(module, Module):
        raise TypeError(f"{kind}: {module!r} is not a module")
    if not isinstance(name, str) or not name or "." in name or hasattr(container, name):
        raise ValueError(f"{kind}: a module cannot have the name {name!r}")
    setattr(container, name, module)
