"""Matrix products: one tall matrix, batches, vectors, broadcast axes, transposed views."""

from cases.case import Case


def _matmul(label, *shapes, call=lambda K, a, b: K.matmul(a, b), batch=None, large=3000):
    return Case(
        "matmul",
        call,
        lambda source, n: [source(*(n if s == "n" else s for s in shape)) for shape in shapes],
        exact=True,
        batch=batch,
        large=large,
        label=label,
    )


CASES = [
    _matmul("matrices", ("n", 37), (37, 29), batch=(0, (0,))),
    _matmul("one row", (1, 37), (37, "n"), large=20011),
    _matmul("vector and matrix", (37,), (37, "n"), large=20011),
    _matmul("matrix and vector", ("n", 37), (37,), large=20011),
    _matmul("vectors", ("n",), ("n",), large=600011),
    _matmul("batches", ("n", 5, 17), ("n", 17, 33), batch=(0, (0, 1))),
    _matmul("broadcast", ("n", 1, 5, 17), (3, 17, 9), batch=(0, (0,))),
    _matmul("long sums", (13, "n"), ("n", 21)),
    _matmul("deep", (5, 700), (700, "n")),
    _matmul(
        "transposed views",
        (37, "n"),
        (29, 37),
        call=lambda K, a, b: K.matmul(a.T, b.T),
    ),
    _matmul(
        "bias",
        ("n", 37),
        (37, 29),
        (29,),
        call=lambda K, a, b, bias: K.matmul(a, b, bias),
    ),
    _matmul(
        "bias and relu",
        ("n", 37),
        (37, 29),
        (29,),
        call=lambda K, a, b, bias: K.matmul(a, b, bias, activation="relu"),
    ),
    Case(
        "linear",
        lambda K, x, w, b: K.linear(x, w, b),
        lambda source, n: [source(n, 3, 37), source(29, 37), source(29)],
        exact=True,
        batch=(0, (0,)),
        large=1000,
    ),
    Case(
        "linear",
        lambda K, x, w: K.linear(x, w, activation="relu"),
        lambda source, n: [source(n, 37), source(29, 37)],
        exact=True,
        large=3000,
        label="no bias",
    ),
]
