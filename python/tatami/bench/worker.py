"""One library in a process of its own: prepares cases and times them on request.

Requests and replies are JSON lines on standard input and output; `clients.py` is the other end.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback

import numpy as np

from .operation import outputs
from .shapes import CASES

BATCH = 1e-3  # seconds: faster calls are timed in batches at least this long


class Library:
    """How one library takes its inputs and gives back its outputs."""

    def __init__(self, name: str, threads: int):
        self.name = name
        self.around = contextlib.nullcontext

    def version(self) -> str:
        return np.__version__

    def call(self, operation, inputs):
        return operation.numpy(**inputs)

    def to_numpy(self, array):
        return np.asarray(array)


class Tatami(Library):
    def __init__(self, name, threads):
        super().__init__(name, threads)
        self.package = importlib.import_module("tatami")
        self.kernels = importlib.import_module("tatami.kernels")
        self.package.set_num_threads(threads)

    def version(self):
        return f"{self.package.__version__} ({self.package.isa()})"

    def call(self, operation, inputs):
        return operation.tatami(self.kernels, **inputs)


class Torch(Library):
    def __init__(self, name, threads):
        super().__init__(name, threads)
        self.module = importlib.import_module("torch")
        self.module.set_num_threads(threads)

    def version(self):
        return self.module.__version__

    def call(self, operation, inputs):
        tensors = {key: self.module.from_numpy(array) for key, array in inputs.items()}
        training = getattr(operation, "training", False)  # its call asks for gradients
        self.around = contextlib.nullcontext if training else self.module.inference_mode
        with self.around():
            return operation.torch(self.module, **tensors)

    def to_numpy(self, array):
        return array.detach().numpy()


LIBRARIES = {"tatami": Tatami, "numpy": Library, "torch": Torch}


class Worker:
    def __init__(self, library: Library):
        self.library = library
        self.call = None
        self.repeats = 1

    def about(self):
        return {"version": self.library.version()}

    def prepare(self, case: str, path: str):
        """Runs the case once, saves its outputs and finds how many calls fill a batch."""
        self.call = None  # frees the arrays of the case before
        operation = next(c.operation for c in CASES if c.name == case)
        inputs = operation.inputs(np.random.default_rng(0))
        read = sum(array.nbytes for array in inputs.values())
        self.call = self.library.call(operation, inputs)
        with self.library.around():
            result = [self.library.to_numpy(array) for array in outputs(self.call())]
        np.savez(path, *result)
        del result
        self.repeats = 1
        while (seconds := self.batch()) < BATCH:
            self.repeats = max(self.repeats + 1, int(self.repeats * min(10, 1.2 * BATCH / seconds)))
        return {"bytes": read + sum(array.nbytes for array in np.load(path).values())}

    def batch(self) -> float:
        """Seconds of `repeats` calls."""
        call = self.call
        with self.library.around():
            start = time.perf_counter()
            for _ in range(self.repeats):
                call()
            return time.perf_counter() - start

    def time(self, seconds: float):
        """Seconds a call, one number a batch, for about `seconds`."""
        self.batch()  # wakes threads and refills the caches
        samples, stop = [], time.perf_counter() + seconds
        while not samples or time.perf_counter() < stop:
            samples.append(self.batch() / self.repeats)
        return {"samples": samples}

    def fma_peak(self, seconds: float):
        """FLOP/s of a loop of register-only multiply-adds on all threads."""
        return {"value": importlib.import_module("tatami._core").fma_peak(seconds)}

    def copy_bandwidth(self, bytes: int, streamed: bool):
        """Bytes/s, read and written, of a copy that moves `bytes` in all."""
        return {"value": importlib.import_module("tatami._core").copy_bandwidth(bytes, streamed)}


def main(name: str, threads: str) -> None:
    # what a library prints must not mix with the replies
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other end's to handle
    gc.disable()
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            worker = worker or Worker(LIBRARIES[name](name, int(threads)))
            reply = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        replies.write(json.dumps(reply) + "\n")
        gc.collect()
