"""What layers have in common: finding, saving and switching what is inside them."""

import inspect
from collections import namedtuple

import numpy as np

from .. import _core
from .._device import device_of, moved
from ..autograd import Tensor, no_grad
from .mode import evaluating

Mismatch = namedtuple("Mismatch", "missing_keys unexpected_keys")


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
    built = True  # False while an input size is still to be found
    built_for = ()  # shapes and dtypes of the inputs that build was given

    def __new__(cls, *args, **kwargs):
        module = super().__new__(cls)
        module._given = args, kwargs
        return module

    def __init__(self):
        pass

    def forward(self, *args):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args, **kwargs):
        recording = _core.recording()
        if recording is not None:
            recording.mode(self)
        return self.forward(*args, **kwargs)

    # What is inside

    def named_children(self):
        """(name, module) of the modules directly inside."""
        return [(k, v) for k, v in vars(self).items() if isinstance(v, Module)]

    def children(self):
        return [module for _, module in self.named_children()]

    def named_modules(self, prefix=""):
        """(name, module) of this module and all inside, from the outside in."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self):
        return [module for _, module in self.named_modules()]

    def _named(self, kind):
        """(name, tensor) of every tensor of that kind; a shared one comes by all its names."""
        for path, module in self.named_modules():
            if not module.built:
                raise RuntimeError(
                    f"{type(module).__name__} {path or 'itself'} has no parameters yet: its input "
                    "size is found at the first call; call the model, or its build(input_shape)"
                )
            for name, value in vars(module).items():
                if isinstance(value, kind):
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self):
        """(name, parameter), each parameter once."""
        return _once(self._named(Parameter))

    def parameters(self):
        return [p for _, p in self.named_parameters()]

    def named_buffers(self):
        return _once(self._named(Buffer))

    def buffers(self):
        return [b for _, b in self.named_buffers()]

    # State

    def named_state(self):
        """(name, tensor) of every parameter and buffer; a shared one comes by all its names."""
        return list(self._named((Parameter, Buffer)))

    def state_dict(self):
        """A copy of every parameter and buffer as a NumPy array: name -> array."""
        return {name: moved(t.data.copy(), "cpu") for name, t in self.named_state()}

    def load_state_dict(self, state, strict=True):
        """Copy the arrays of ``state`` in, by name; nothing is changed where anything is wrong.

        ``strict=False`` allows names that only one side has. Returns ``missing_keys`` and
        ``unexpected_keys``.
        """
        own = dict(self.named_state())
        found = match(own, state, strict)
        for name, tensor in own.items():
            if name in state:
                tensor.data[...] = moved(state[name], tensor.device)
                tensor.bump()
        return found

    # Switches

    def train(self, mode=True):
        """Switch dropout, batch statistics and their like on or off; returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Train all parameters, or freeze them; returns the module."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self):
        for p in self.parameters():
            p.grad = None

    def apply(self, function):
        """Call ``function`` on every module, from the inside out; returns the module."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def astype(self, dtype):
        """Convert all floating-point parameters and buffers; returns the module."""
        for _, tensor in self.named_state():
            if tensor.dtype.kind == "f":
                tensor.data = tensor.data.astype(dtype)
                tensor.grad = None
        return self

    def to(self, device):
        """Move all parameters, buffers and gradients to "cpu" or "cuda"; returns the module.

        Give optimizers their parameters afterwards: what they remember stays where it is.
        """
        for _, tensor in self.named_state():
            tensor.data = moved(tensor.data, device)
            if tensor.grad is not None:
                tensor.grad.data = moved(tensor.grad.data, device)
        return self

    @property
    def device(self):
        """Where the parameters and buffers are: "cpu" or "cuda"; "cpu" without any."""
        return next((tensor.device for _, tensor in self.named_state()), "cpu")

    def float(self):
        return self.astype(np.float32)

    def double(self):
        return self.astype(np.float64)

    # Sizes, and what the module looks like

    @no_grad()
    def build(self, *inputs):
        """Find the input sizes that were left out, by one run; returns the module.

        Each of ``inputs`` is an example (array or tensor), or the shape of one, batch axis
        included, which then is zeros of float32; None in a shape counts as 1.
        """
        inputs = [example(x) for x in inputs]
        with evaluating(self):
            self(*inputs)
        self.built_for = [(x.shape, x.dtype) for x in inputs]
        return self

    def summary(self, *inputs):
        """Print the tree of layers; see :func:`tatami.nn.summary`."""
        from .summary import summary

        print(summary(self, *inputs))

    def arguments(self):
        """What the constructor was given, by name."""
        args, kwargs = self._given
        signature = inspect.signature(type(self).__init__)
        given = signature.bind(self, *args, **kwargs).arguments
        return dict(list(given.items())[1:])  # the first is self

    def extra_repr(self):
        """What stands between the parentheses of a layer without children."""
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments().items())

    def __repr__(self):
        name, children = type(self).__name__, self.named_children()
        if not children:
            return f"{name}({self.extra_repr()})"
        lines = [f"({key}): {child!r}".replace("\n", "\n  ") for key, child in children]
        return f"{name}(\n  " + "\n  ".join(lines) + "\n)"

    def multiply_adds(self, x, y):
        """How many multiplications by weights make ``y`` of ``x``, without the children's."""
        return 0

    # Training as Keras users know it

    def compile(self, *args, **kwargs):
        """See :func:`tatami.training.compile`."""
        return _training().compile(self, *args, **kwargs)

    def fit(self, *args, **kwargs):
        """See :func:`tatami.training.fit`."""
        return _training().fit(self, *args, **kwargs)

    def evaluate(self, *args, **kwargs):
        """See :func:`tatami.training.evaluate`."""
        return _training().evaluate(self, *args, **kwargs)

    def predict(self, *args, **kwargs):
        """See :func:`tatami.training.predict`."""
        return _training().predict(self, *args, **kwargs)


def _training():
    from .. import training

    return training


def _once(named):
    """Without the second name of a shared tensor."""
    first = {}
    for name, tensor in named:
        first.setdefault(id(tensor), (name, tensor))
    return list(first.values())


def example(value):
    """A tensor to try a module on, from an example or from its shape."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) or device_of(value) == "cuda":
        return Tensor(value)
    return Tensor(np.zeros([1 if n is None else n for n in value], np.float32))


def match(own, state, strict):
    """Check that the arrays of ``state`` fit the tensors ``own``, by name: a Mismatch."""
    present = {id(own[name]) for name in own.keys() & state.keys()}
    missing = [name for name, tensor in own.items() if id(tensor) not in present]
    unexpected = [name for name in state if name not in own]
    if strict and (missing or unexpected):
        raise ValueError(
            f"load_state_dict: missing {missing or 'none'}, unknown {unexpected or 'none'}"
        )
    for name, tensor in own.items():
        if name not in state:
            continue
        array = state[name] if device_of(state[name]) == "cuda" else np.asarray(state[name])
        if array.shape != tensor.shape:
            raise ValueError(
                f"load_state_dict: {name} has shape {array.shape} "
                f"but the module's has shape {tensor.shape}"
            )
        if not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
            raise TypeError(
                f"load_state_dict: {name} is {array.dtype} but the module's is {tensor.dtype}"
            )
    return Mismatch(missing, unexpected)
