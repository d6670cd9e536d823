"""Augmented 32x32x3 images a second: `python benchmarks/augment.py`."""

import time

import numpy as np

import tatami
from tatami.data import DataLoader, augment

PLACES = (
    augment.Shift(0.1),
    augment.Flip(),
    augment.Zoom((0.9, 1.1)),
    augment.Rotate(15),
    augment.Shear(10),
    augment.Elastic(),
)
VALUES = (
    augment.Crop(32, padding=4),
    augment.CutOut(8),
    augment.Contrast(),
    augment.Brightness(),
    augment.Noise(),
)
ROUNDS, IMAGES, BATCH = 5, 8192, 256


def rate(transform, workers):
    """The best of some epochs, in images a second."""
    x = np.random.default_rng(0).random((IMAGES, 3, 32, 32), dtype=np.float32)
    loader = DataLoader(x, BATCH, True, transform=transform, num_workers=workers, seed=0)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in loader:
            pass
        times.append(time.perf_counter() - start)
    return IMAGES / min(times)


def main():
    print(
        f"{tatami.get_num_threads()} threads, {tatami.isa()}; images a second with 0 and 2 workers"
    )
    together = {"all of them": PLACES + VALUES, "all moves, one reading": PLACES}
    alone = {type(t).__name__: (t,) for t in PLACES + VALUES}
    for name, transforms in (together | alone).items():
        rates = [rate(augment.Compose(*transforms), workers) for workers in (0, 2)]
        print(f"{name:24}" + "".join(f"{r:12,.0f}" for r in rates))


if __name__ == "__main__":
    main()
