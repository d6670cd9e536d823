"""What layers have in common: finding, saving and switching what is inside them."""

import numpy as np

from ..autograd import Tensor


class Parameter(Tensor):
    """A tensor that training changes."""

    __slots__ = ()

    def __init__(self, data, requires_grad=True):
        super().__init__(data, requires_grad)


class Buffer(Tensor):
    """A tensor that belongs to a layer's state but is not trained."""

    __slots__ = ()


class Module:
    """A layer, or a network of them: parameters, buffers and modules are plain attributes.

    A subclass sets them in ``__init__`` and computes in ``forward``; calling the module calls
    ``forward``. Names in a state dict are the attributes' names joined by dots, as in PyTorch.
    """

    training = True

    def forward(self, *args):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args):
        return self.forward(*args)

    def children(self):
        """(name, module) of the modules directly inside."""
        return [(k, v) for k, v in vars(self).items() if isinstance(v, Module)]

    def named_modules(self, prefix=""):
        """(name, module) of this module and all inside, from the outside in."""
        yield prefix, self
        for name, child in self.children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self):
        return [module for _, module in self.named_modules()]

    def _named(self, kind):
        seen = set()  # a tensor shared by two modules counts once
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, kind) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self):
        return list(self._named(Parameter))

    def parameters(self):
        return [p for _, p in self._named(Parameter)]

    def named_buffers(self):
        return list(self._named(Buffer))

    def state_dict(self):
        """A copy of every parameter and buffer: name -> array."""
        return {name: t.data.copy() for name, t in self._named((Parameter, Buffer))}

    def load_state_dict(self, state):
        """Copy the arrays of ``state`` in; names and shapes must be this module's, all of them."""
        own = dict(self._named((Parameter, Buffer)))
        missing, surplus = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or surplus:
            raise ValueError(
                f"load_state_dict: missing {missing or 'none'}, unknown {surplus or 'none'}"
            )
        for name, tensor in own.items():
            if np.shape(state[name]) != tensor.shape:
                raise ValueError(
                    f"load_state_dict: {name} has shape {np.shape(state[name])} "
                    f"but the module's has shape {tensor.shape}"
                )
        for name, tensor in own.items():
            tensor.data[...] = state[name]

    def train(self, mode=True):
        """Switch dropout, batch statistics and their like on or off; returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        return self.train(False)

    def zero_grad(self):
        for p in self.parameters():
            p.grad = None

    def astype(self, dtype):
        """Convert all floating-point parameters and buffers; returns the module."""
        for _, tensor in self._named((Parameter, Buffer)):
            if tensor.dtype.kind == "f":
                tensor.data = tensor.data.astype(dtype)
                tensor.grad = None
        return self

    def float(self):
        return self.astype(np.float32)

    def double(self):
        return self.astype(np.float64)

    def extra_repr(self):
        """What stands between the parentheses of a layer without children."""
        return ""

    def __repr__(self):
        name, children = type(self).__name__, self.children()
        if not children:
            return f"{name}({self.extra_repr()})"
        lines = [f"({key}): {child!r}".replace("\n", "\n  ") for key, child in children]
        return f"{name}(\n  " + "\n  ".join(lines) + "\n)"
