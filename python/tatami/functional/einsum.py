"""Sums of products by labels of axes. An einsum's derivatives are einsums."""

import string

import numpy as np

from ..autograd import Op
from .indexing import getitem
from .shape import broadcast_to, reshape, sum_to

_einsum = Op(
    lambda *xs, inputs, output: np.einsum(_joined(inputs, output), *xs, optimize=len(xs) > 1),
    name="einsum",
    each=lambda k, g, _y, *xs, inputs, output: _by_operand(k, g, xs, inputs, output),
)


def _joined(inputs, output):
    return f"{','.join(inputs)}->{output}"


def _by_operand(k, g, xs, inputs, output):
    """Operand k changes places with the output; labels of its own alone are spread out again."""
    labels, shape = inputs[k], xs[k].shape
    others = [*inputs[:k], *inputs[k + 1 :]]
    common = [c for c in labels if c in output or any(c in other for other in others)]
    y = _einsum(g, *xs[:k], *xs[k + 1 :], inputs=(output, *others), output="".join(common))
    if len(common) < len(labels):
        sizes = iter(y.shape)
        y = reshape(y, tuple(next(sizes) if c in common else 1 for c in labels))
        whole = zip(labels, y.shape, shape, strict=True)
        y = broadcast_to(y, tuple(have if c in common else want for c, have, want in whole))
    return sum_to(y, shape)


def einsum(subscripts, *operands):
    """NumPy's ``einsum`` in its string form: ``"bij,bjk->bik"``, ``"ii->i"``, ``"...i,i"``.

    >>> einsum("i,j->ij", numpy.arange(2.0), numpy.arange(3.0))
    array([[0., 0., 0.],
           [0., 1., 2.]])
    """
    inputs, output = _parsed(subscripts, operands)
    pairs = [_diagonal(x, labels) for x, labels in zip(operands, inputs, strict=True)]
    operands, inputs = zip(*pairs, strict=True)
    return _einsum(*operands, inputs=inputs, output=output)


def _parsed(subscripts, operands):
    """One string of letters an operand, and the output's: ``...`` spelled out."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise ValueError(
            f"einsum: {subscripts!r} is for {len(inputs)} operands, not {len(operands)}"
        )
    free = [c for c in string.ascii_letters if c not in subscripts]
    extra = [x.ndim - len(t.replace("...", "")) for x, t in zip(operands, inputs, strict=True)]
    for k, (text, n, x) in enumerate(zip(inputs, extra, operands, strict=True)):
        if n < 0 or (n and "..." not in text):
            raise ValueError(f"einsum: {text!r} does not name the axes of operand {k} {x.shape}")
    rank = max((n for n, text in zip(extra, inputs, strict=True) if "..." in text), default=0)
    dots = free[:rank]
    inputs = [
        t.replace("...", "".join(dots[rank - n :])) for t, n in zip(inputs, extra, strict=True)
    ]
    if not arrow:  # letters that occur once, in order, after the dots
        every = "".join(inputs)
        output = "".join(dots + sorted(c for c in set(every) - set(dots) if every.count(c) == 1))
    return inputs, output.replace("...", "".join(dots))


def _diagonal(x, labels):
    """``x`` with every label once: a repeated one stands for a diagonal."""
    for c in labels:
        while labels.count(c) > 1:
            first, second = labels.index(c), labels.rindex(c)
            n = x.shape[first]
            if x.shape[second] != n:
                raise ValueError(f"einsum: label {c!r} is {n} and {x.shape[second]} in {x.shape}")
            steps = np.arange(n)
            index = [slice(None)] * x.ndim
            index[first], index[second] = steps, steps
            y = getitem(x, tuple(index))  # the diagonal comes first where the two are apart
            labels = labels[:second] + labels[second + 1 :]
            if second - first > 1:
                labels = c + labels[:first] + labels[first + 1 :]
            x = y
    return x, labels
