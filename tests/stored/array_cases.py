"""Calls of array functions whose derivatives are compared with PyTorch's, as functional_cases.py.

Axes stand by position: NumPy and PyTorch have different words for them.
"""

import numpy as np

MASK = np.array([[True, False, True, True], [False, False, True, False]])
PLACES = np.array([[0, 2, 1], [3, 3, 0]])
ODD = np.array([True, False, True])
ROWS = np.array([2, 0, 2])

CASES = [
    ("expm1", lambda F, x: F.expm1(x), (3, 4)),
    ("log1p", lambda F, x: F.log1p(x * x), (3, 4)),
    ("sin cos", lambda F, x: F.sin(x) * F.cos(x * x), (3, 4)),
    ("abs sign", lambda F, x: F.abs(x) * x + F.sign(x) * x * x, (3, 4)),
    ("pow", lambda F, a, b: F.pow(a * a + 1, b), (3, 4), (4,)),
    ("maximum", lambda F, a, b: F.maximum(a, b * b), (3, 4), (4,)),
    ("minimum", lambda F, a, b: F.minimum(a * a, b), (3, 1), (4,)),
    ("ties", lambda F, a: F.maximum(a * a, a * a) + F.minimum(a, a) ** 3, (3, 4)),
    ("clip", lambda F, x: F.clip(x * x, 0.1, 1.0), (3, 4)),
    ("clip at its bounds", lambda F, x: F.clip(F.sign(x) * x * x / (x * x) + x * 0, -1.0, 1.0),
     (3, 4)),
    ("where", lambda F, a, b: F.where(MASK, a * a, b), (2, 4), (4,)),
    ("concatenate", lambda F, a, b: F.concatenate([a, b * b], 1), (2, 3), (2, 1)),
    ("stack", lambda F, a, b: F.stack([a, b * b], -1), (2, 3), (2, 3)),
    ("split", lambda F, x: tuple(F.split(x * x, [1, 2, 2], 1)), (2, 5)),
    ("split by size", lambda F, x: tuple(F.split(x * x, 2, -1)), (2, 5)),
    ("chunk", lambda F, x: tuple(F.chunk(x * x, 3, 0)), (7, 2)),
    ("pad", lambda F, x: F.pad(x * x, (1, 2, 0, 3), "constant", 0.5), (2, 3, 2)),
    ("pad cropping", lambda F, x: F.pad(x * x, (-1, 1)), (2, 3)),
    ("pad reflect", lambda F, x: F.pad(x * x, (2, 1), "reflect"), (2, 2, 4)),
    ("pad replicate", lambda F, x: F.pad(x * x, (2, 5), "replicate"), (2, 2, 3)),
    ("pad circular", lambda F, x: F.pad(x * x, (3, 2), "circular"), (2, 2, 3)),
    ("tile", lambda F, x: F.tile(x * x, (2, 1, 3)), (2, 3)),
    ("flip", lambda F, x: F.flip(x * x, (0, 2)), (2, 3, 4)),
    ("tril triu", lambda F, x: F.tril(x * x, -1) + F.triu(x, 1) ** 2, (2, 3, 4)),
    ("max", lambda F, x: F.max(x * x, (0, 2)), (3, 2, 4)),
    ("max of ties", lambda F, x: F.max(F.sign(x) * x * x, 1) + F.max(x * 0 + 1, 1), (3, 4)),
    ("min", lambda F, x: F.min(x * x, 1, True), (3, 4)),
    ("prod", lambda F, x: F.prod(x, 1), (2, 4)),
    ("prod of zeros", lambda F, x: F.prod(F.where(MASK, x, x * 0), 1), (2, 4)),
    ("prod of one zero", lambda F, x: F.prod(F.where(ODD, x, x * 0), 1), (2, 3)),
    ("cumsum", lambda F, x: F.cumsum(x * x, -1), (2, 3)),
    ("logsumexp", lambda F, x: F.logsumexp(x, 1), (2, 3)),
    ("var", lambda F, x: F.var(x, 0), (4, 3)),
    ("std", lambda F, x: F.std(x, 1), (3, 4)),
    ("norm", lambda F, x: F.norm(x, 2, 1), (3, 4)),
    ("norm 1", lambda F, x: F.norm(x * x * x, 1, 1), (3, 4)),
    ("norm 3", lambda F, x: F.norm(x, 3, 0), (3, 4)),
    ("norm inf", lambda F, x: F.norm(x * x * x, float("inf"), 0), (3, 4)),
    ("rows", lambda F, x: (x * x)[ROWS], (3, 2)),
    ("mask", lambda F, x: (x * x)[MASK], (2, 4)),
    ("pairs", lambda F, x: (x * x)[:, ROWS, None], (2, 3, 2)),
    ("gather", lambda F, x: F.gather(x * x, 1, PLACES), (3, 4)),
    ("take_along_axis", lambda F, x: F.take_along_axis(x * x, PLACES, 1), (2, 4)),
    ("scatter_add", lambda F, x, s: F.scatter_add(x * x, 1, PLACES, s * s), (2, 4), (2, 3)),
    ("sort", lambda F, x: F.sort(x * x, 1)[0], (3, 4)),
    ("sort down", lambda F, x: F.sort(x * x, 0, True)[0], (3, 4)),
    ("einsum", lambda F, a, b: F.einsum("bij,bkj->bik", a, b), (2, 3, 4), (2, 2, 4)),
    ("einsum diagonal", lambda F, a, b: F.einsum("ii,ij->i", a * a, b), (3, 3), (3, 4)),
    ("einsum dots", lambda F, a, b: F.einsum("...ij,...jk->...ik", a, b), (2, 1, 3, 2), (2, 2, 3)),
    ("einsum of three", lambda F, a, b, c: F.einsum("ab,bc,cd->ad", a, b, c),
     (2, 3), (3, 2), (2, 2)),
]  # fmt: skip
