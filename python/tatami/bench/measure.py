"""Runs the cases: verify each result first, then time all libraries in turns."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from .clients import Client, Failure
from .shapes import Case

PEAK_SECONDS = 0.05
WARM_UP = 4
OUT_OF_CACHE = 256 << 20  # bytes: several times the last cache


@dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: float  # for one library in one round


FULL = Effort(rounds=5, seconds=0.1)
QUICK = Effort(rounds=3, seconds=0.03)


@dataclass
class Row:
    """What was measured of one case; seconds are medians by library."""

    case: Case
    seconds: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)  # (third - first quartile) / median
    problems: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    peak: float | None = None  # FLOP/s
    bandwidth: float | None = None  # bytes/s

    @property
    def compute_bound(self) -> bool:
        flops = self.case.operation.flops
        return bool(flops) and (
            not (self.peak and self.bandwidth) or flops / self.peak >= self.bytes / self.bandwidth
        )

    @property
    def rate(self) -> float | None:
        """FLOP/s or bytes/s, whichever limits the case."""
        seconds = self.seconds.get("tatami")
        work = self.case.operation.flops if self.compute_bound else self.bytes
        return work / seconds if seconds else None

    @property
    def share(self) -> float | None:
        """Of the limit: the least time that the machine needs over the time taken."""
        limit = self.peak if self.compute_bound else self.bandwidth
        return self.rate / limit if self.rate and limit and not self.case.over_numpy else None

    @property
    def over_numpy(self) -> float | None:
        """Seconds that a tiny call takes more than NumPy's."""
        times = self.seconds.get("tatami"), self.seconds.get("numpy")
        return times[0] - times[1] if self.case.over_numpy and all(times) else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is met; None where there is none or nothing was measured."""
        if self.over_numpy is not None:
            return self.over_numpy <= self.case.over_numpy
        return self.share >= self.case.goal if self.case.goal and self.share else None

    def ratio(self, peer: str) -> float | None:
        """How many times faster than `peer`."""
        mine, other = self.seconds.get("tatami"), self.seconds.get(peer)
        return other / mine if mine and other else None


def difference(
    arrays: list[np.ndarray], expected: list[np.ndarray], tolerance: float = 1e-4
) -> str | None:
    """What is wrong with a library's outputs, or None."""
    if len(arrays) != len(expected):
        return f"{len(arrays)} outputs, NumPy gives {len(expected)}"
    for k, (array, right) in enumerate(zip(arrays, expected, strict=True)):
        if array.shape != right.shape:
            return f"output {k} has shape {array.shape}, NumPy gives {right.shape}"
        error = np.max(np.abs(np.subtract(array, right, dtype=np.float64)), initial=0)  # masks too
        scale = np.max(np.abs(right), initial=0)
        if not error <= tolerance * scale:
            return f"output {k} differs by {error:.3g} where the largest value is {scale:.3g}"
    return None


def second_level_cache() -> int:
    """Bytes of one core's own cache."""
    try:
        return os.sysconf("SC_LEVEL2_CACHE_SIZE") or 1 << 20
    except (ValueError, OSError):
        return 1 << 20


class Bench:
    """The worker processes of one run."""

    def __init__(self, threads: int, effort: Effort, peers: dict[str, str], device: str = "cpu"):
        """``peers``: the interpreter of each peer beside NumPy."""
        self.effort = effort
        self.device = device
        self.stack = ExitStack()
        self.clients = {}
        for name, python in {"tatami": sys.executable, "numpy": sys.executable, **peers}.items():
            client = Client(name, threads, python, device)
            self.clients[name] = self.stack.enter_context(closing(client))
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.best_peak = 0.0
        self.cache = threads * second_level_cache()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def versions(self) -> dict[str, str]:
        return {name: client("about")["version"] for name, client in self.clients.items()}

    def run(self, cases: list[Case], progress: Callable[[int, Case], None]) -> Iterator[Row]:
        for _ in range(WARM_UP):
            self.peak()
        for number, case in enumerate(cases):
            progress(number, case)
            row = Row(case)
            self.verify(row)
            self.time(row)
            self.limits(row)
            yield row

    def verify(self, row: Row) -> None:
        expected, operation = None, row.case.operation
        others = (n for n in self.clients if n == "tatami" or n in operation.peers)
        for name in ("numpy", *others):
            path = self.folder / f"{name}.npz"
            try:
                reply = self.clients[name]("prepare", case=row.case.name, path=str(path))
            except Failure as failure:
                row.problems[name] = str(failure)
                continue
            with np.load(path) as saved:
                arrays = list(saved.values())
            path.unlink()
            if name == "numpy":
                expected, row.bytes = arrays, int(operation.width * reply["bytes"])
            elif expected is not None and (
                wrong := difference(arrays, expected, operation.tolerance)
            ):
                row.problems[name] = wrong

    def time(self, row: Row) -> None:
        known = ("tatami", "numpy", *row.case.operation.peers)
        names = [name for name in self.clients if name in known and name not in row.problems]
        samples: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(self.effort.rounds):
            for name in names:
                samples[name] += self.clients[name]("time", seconds=self.effort.seconds)["samples"]
        for name, times in samples.items():
            row.seconds[name] = median(times)
            first, third = np.quantile(times, [0.25, 0.75])
            row.spread[name] = (third - first) / row.seconds[name]

    def limits(self, row: Row) -> None:
        """The FMA loop and a copy, right after the case.

        Where the case's arrays fit the cores' own caches, the copy moves as many bytes and stays
        there too; else it streams through memory. On a GPU there is the copy alone.
        """
        cached = row.bytes <= self.cache and self.device == "cpu"
        copy = {"bytes": row.bytes if cached else OUT_OF_CACHE, "streamed": not cached}
        try:
            row.peak = self.peak()
            row.bandwidth = self.clients["tatami"]("copy_bandwidth", **copy)["value"]
        except Failure as failure:
            row.problems.setdefault("limits", str(failure))

    def peak(self) -> float | None:
        """FLOP/s of the FMA loop, the best of all measurements so far; unknown on a GPU."""
        if self.device == "cuda":
            return None
        now = self.clients["tatami"]("fma_peak", seconds=PEAK_SECONDS)["value"]
        self.best_peak = max(self.best_peak, now)
        return self.best_peak
