"""Mini-batches of arrays."""


def batches(x, y, batch_size, rng=None):
    """Yields (x, y) of ``batch_size`` rows, the last perhaps fewer; shuffled by ``rng`` if any."""
    if len(x) != len(y):
        raise ValueError(f"batches: x has {len(x)} rows but y has {len(y)}")
    if batch_size < 1:
        raise ValueError(f"batches: batch_size must be at least 1, not {batch_size}")
    order = None if rng is None else rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        rows = slice(start, start + batch_size)
        if order is not None:
            rows = order[rows]
        yield x[rows], y[rows]
