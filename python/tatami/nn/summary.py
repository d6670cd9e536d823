"""What a network consists of, as a table: the tree of layers, shapes, parameters, work, memory."""

from dataclasses import dataclass

import numpy as np

from ..autograd import Tensor
from .module import Parameter, example


@dataclass
class Row:
    """One layer: where it stands in the tree, and its own numbers without its children's."""

    tree: str  # "├─ 0: Conv2d"
    shape: tuple | None = None  # of the output
    parameters: int = 0
    multiply_adds: int = 0
    memory: int = 0  # bytes of outputs
    calls: int = 0

    def cells(self):
        return (
            self.tree + (f" x{self.calls}" if self.calls > 1 else ""),
            "" if self.shape is None else str(self.shape),
            f"{self.parameters:,}" if self.parameters else "",
            f"{self.multiply_adds:,}" if self.multiply_adds else "",
            _bytes(self.memory) if self.memory else "",
        )


class Summary:
    """Printed, it is the table; ``rows`` and the totals hold the numbers."""

    def __init__(self, title, rows, module):
        parameters, buffers = module.parameters(), module.buffers()
        self.title = title
        self.rows = rows
        self.parameters = sum(p.size for p in parameters)
        self.frozen = sum(p.size for p in parameters if not p.requires_grad)
        self.weights = sum(t.data.nbytes for t in (*parameters, *buffers))  # bytes
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.outputs = sum(row.memory for row in rows)  # bytes

    def __str__(self):
        header = ("layer", "output", "parameters", "multiply-adds", "memory")
        cells = [header, *(row.cells() for row in self.rows), ("total", "", *self._totals())]
        used = [k for k in range(5) if any(row[k] for row in cells[1:])]
        widths = {k: max(len(row[k]) for row in cells) for k in used}
        lines = ["  ".join(_aligned(row[k], widths[k], k) for k in used) for row in cells]
        rule = "─" * max(len(line) for line in lines)
        table = [self.title, rule, lines[0], rule, *lines[1:-1], rule, lines[-1], *self._notes()]
        return "\n".join(line.rstrip() for line in table)

    def _totals(self):
        work = f"{self.multiply_adds:,}" if self.multiply_adds else ""
        return f"{self.parameters:,}", work, _bytes(self.outputs) if self.outputs else ""

    def _notes(self):
        frozen = f", {self.frozen:,} parameters frozen" if self.frozen else ""
        yield f"weights {_bytes(self.weights)}{frozen}"


def summary(module, *inputs):
    """The table of ``module`` for ``inputs``: shapes (batch axis included) or examples.

    Without inputs those of :meth:`Module.build` serve, which ``fit`` calls where sizes were left
    out; failing that the table has no shapes, work or outputs. Multiply-adds count products with
    weights (and attention's scores). Memory is that of the outputs; views of the inputs take none.

    >>> print(nn.summary(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (1, 4)))
    Sequential of (1, 4)
    ───────────────────────────────────────────────────────
    layer         output  parameters  multiply-adds  memory
    ───────────────────────────────────────────────────────
    Sequential    (1, 3)
    ├─ 0: Linear  (1, 3)          15             12    12 B
    └─ 1: ReLU    (1, 3)                               12 B
    ───────────────────────────────────────────────────────
    total                         15             12    24 B
    weights 60 B
    """
    tensors = [example(x) for x in inputs] or [
        Tensor(np.zeros(shape, dtype)) for shape, dtype in module.built_for
    ]
    if tensors and not all(m.built for m in module.modules()):
        module.build(*tensors)
    rows, counted = [], set()
    for layer, tree in _tree(module):
        own = [p for p in vars(layer).values() if isinstance(p, Parameter)]
        size = sum(p.size for p in own if id(p) not in counted)
        counted.update(map(id, own))
        rows.append((layer, Row(tree, parameters=size)))
    title = type(module).__name__
    if tensors:
        title += " of " + ", ".join(str(x.shape) for x in tensors)
        _trace(module, tensors, rows)
    return Summary(title, [row for _, row in rows], module)


def _tree(module, name="", lead="", below=""):
    """(module, its line of the tree) from the outside in."""
    yield module, f"{lead}{name}{type(module).__name__}"
    children = module.named_children()
    for k, (key, child) in enumerate(children, 1):
        last = k == len(children)
        branch = below + ("└─ " if last else "├─ ")
        yield from _tree(child, f"{key}: ", branch, below + ("   " if last else "│  "))


def _trace(module, tensors, rows):
    """Fill in the rows by one run without gradients; a module used twice has its first row."""
    seen = {}  # arrays that have been counted, kept alive so that no other takes their place
    for x in tensors:
        _memory(x.data, seen)
    watched = {id(layer): (layer, row) for layer, row in reversed(rows)}.values()
    for layer, row in watched:
        layer.forward = _watching(layer, row, seen)  # hides the class's until deleted
    try:
        module.build(*tensors)
    finally:
        for layer, _ in watched:
            del layer.forward


def _watching(layer, row, seen):
    forward = layer.forward

    def watching(*args, **kwargs):
        y = forward(*args, **kwargs)
        outputs = [t for t in (y if isinstance(y, tuple) else (y,)) if hasattr(t, "shape")]
        row.shape = outputs[0].shape
        row.calls += 1
        row.multiply_adds += layer.multiply_adds([*args, *kwargs.values()][0], outputs[0])
        row.memory += sum(_memory(getattr(t, "data", t), seen) for t in outputs)
        return y

    return watching


def _memory(array, seen):
    """Bytes behind ``array``, unless they have been counted."""
    while getattr(array, "base", None) is not None:
        array = array.base
    if id(array) in seen:
        return 0
    seen[id(array)] = array
    return array.nbytes


def _aligned(text, width, column):
    return text.ljust(width) if column < 2 else text.rjust(width)


def _bytes(n):
    """``12 B``, ``3.4 KiB``, ``56.7 MiB``."""
    power = max(0, (n.bit_length() - 1) // 10)
    return f"{n} B" if not power else f"{n / 1024**power:.1f} {'KMGTPE'[power - 1]}iB"
