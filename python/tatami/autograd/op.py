"""An operation that can be differentiated, and its trace on the tape."""

from itertools import count

import numpy as np

from .mode import mode
from .tensor import Part, Tensor

_numbers = count()


class Node:
    """One recorded call. A later call has a larger ``number``."""

    __slots__ = ("args", "arrays", "number", "op", "parents", "settings", "value")

    def __init__(self, op, args, arrays, settings, value, parents):
        self.op = op
        self.args = args
        self.arrays = arrays  # the arguments with arrays for tensors
        self.settings = settings
        self.value = value
        self.parents = parents  # an entry an argument: its source, or None without gradient
        self.number = next(_numbers)

    def output(self):
        """``value`` with its history, as a differentiable rule needs it."""
        return self.op.wrapped(self, self.value)

    def free(self):
        self.args = self.arrays = self.settings = self.value = None
        self.parents = ()


class Op:
    """A raw function of arrays plus its derivative rules. Only the tape knows it.

    Called without any :class:`Tensor`, it is ``raw`` itself. All float arrays of a call have one
    dtype. A rule therefore serves twice: on
    arrays in an ordinary backward pass, on tensors where the gradient is to be differentiated.

    ``raw(*args, **settings)`` returns ``y``, or a tuple of ``y`` and whatever the rules want back;
    only ``y`` becomes a tensor. ``rules`` has one function for each leading argument, written
    with differentiable functions: ``rule(grad_y, y, *args, **settings)`` -> gradient of that
    argument (None where it has none). A fused operation has instead ``joint``, which returns the
    gradients of all arguments at once and sees arrays only, and ``composed``, the same operation
    written with differentiable functions, which stands in wherever the gradient is to be
    differentiated (without it, ``joint`` itself must be differentiable). In place of the rules,
    ``each(k, grad_y, y, *args, **settings)`` serves operations of any number of arguments.
    ``unbroadcast(gradient, shape)``, where given, sums the gradients to the shapes of their
    arguments: the operation broadcasts and its rules need not care.

    With ``outputs=k`` the first k elements of the tuple become tensors (``outputs=None``: all of
    them). ``grad_y`` is then a tuple of as many gradients, None for an output that was not used,
    ``y`` the whole tuple, and ``composed`` returns the k outputs as a tuple:

    >>> def both_rule(grad_y, y, x):
    ...     g_sin, g_cos = grad_y
    ...     return (0 if g_sin is None else g_sin * y[1]) - (0 if g_cos is None else g_cos * y[0])
    >>> sin_and_cos = Op(lambda x: (np.sin(x), np.cos(x)), both_rule, name="both", outputs=2)
    """

    __slots__ = ("composed", "each", "joint", "name", "outputs", "raw", "rules", "unbroadcast")

    def __init__(
        self,
        raw,
        *rules,
        name=None,
        joint=None,
        composed=None,
        each=None,
        unbroadcast=None,
        outputs=1,
    ):
        self.name = name or raw.__name__
        self.raw = raw
        self.rules = rules
        self.joint = joint
        self.composed = composed
        self.each = each
        self.unbroadcast = unbroadcast
        self.outputs = outputs

    def __call__(self, *args, **settings):
        arrays, parents = [], []
        wrapped = recorded = False
        for a in args:
            parent = None
            if isinstance(a, Tensor):
                wrapped = True
                arrays.append(a.data)
                if a.requires_grad:
                    recorded = True
                    parent = a.source
            else:
                arrays.append(a)
            parents.append(parent)
        value = self.raw(*arrays, **settings)
        if isinstance(value, np.generic):  # NumPy turns 0-d results into scalars
            value = np.asarray(value)
        self._check_dtypes(arrays)
        if not wrapped:
            return value
        node = None
        if recorded and mode.recording:
            node = Node(self, args, arrays, settings, value, parents)
        return self.wrapped(node, value)

    def _check_dtypes(self, arrays):
        """Float arrays of two dtypes do not mix, as in the kernels."""
        floats = [a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        if len({a.dtype for a in floats}) > 1:
            a, b = floats[:2]
            raise TypeError(
                f"{self.name}: dtypes {a.dtype} and {b.dtype} (shapes {a.shape} and {b.shape}) "
                "do not mix; use astype"
            )

    def wrapped(self, node, value):
        """``value`` with tensors for the arrays that gradients flow through."""
        if type(value) is not tuple:
            return Tensor.made_by(node, value)
        if self.outputs == 1:
            return (Tensor.made_by(node, value[0]), *value[1:])
        made = [Tensor.made_by(node, y, k) for k, y in enumerate(value[: self.outputs])]
        return (*made, *value[len(made) :])

    def sources(self, node):
        """Where the gradients of the outputs of ``node`` are added up."""
        if self.outputs == 1:
            return (node,)
        return tuple(Part(node, k) for k in range(len(node.value[: self.outputs])))
