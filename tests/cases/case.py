"""One call of one public function, on inputs of any size."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import reference as R
from sources import Source
from support import cast, is_float, tupled


@dataclass(frozen=True)
class Case:
    name: str  # the public function
    call: Callable  # call(K, *arrays) -> one result or a tuple; K: tatami.kernels or the reference
    arrays: Callable  # arrays(source, n) -> list; n is the size that may grow (a batch, mostly)
    bound: Callable | None = None  # bound(*arrays): magnitude of results; None: call on |arrays|
    exact: bool = False  # whole numbers in give exact results
    batch: tuple | None = None  # (axis, positions): arguments that hold independent samples
    in_place: bool = False  # some arguments are updated: call works on copies and returns them
    large: int = 16001  # an n that gives several threads work
    label: str = ""

    def __str__(self):
        return f"{self.name} {self.label}".strip()

    def inputs(self, dtype=np.float64, n=2, seed=0, whole=False):
        return cast(self.arrays(Source(seed, whole), n), dtype)

    def run(self, K, arrays):
        """Results as a tuple, without the None of an absent gradient."""
        return tuple(y for y in tupled(self.call(K, *arrays)) if y is not None)

    def bounds(self, arrays):
        wide = cast(arrays, np.float64)
        if self.bound is not None:
            return tupled(self.bound(*wide))
        return self.run(R, [np.abs(a) if is_float(a) else a for a in wide])
