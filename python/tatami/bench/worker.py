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

from .bfloat16 import widened
from .operation import outputs
from .shapes import CASES

BATCH = 1e-3  # seconds: faster calls are timed in batches at least this long


class Library:
    """How one library takes its inputs and gives back its outputs."""

    def __init__(self, name: str, threads: int, device: str):
        self.name = name
        self.device = device
        self.around = contextlib.nullcontext

    def version(self) -> str:
        return np.__version__

    def call(self, operation, inputs):
        return operation.numpy(**inputs)

    def to_numpy(self, array):
        return np.asarray(array)

    def wait(self):
        """Until all that was called is done."""

    def about(self):
        return {"version": self.version()}


class Tatami(Library):
    def __init__(self, name, threads, device):
        super().__init__(name, threads, device)
        self.package = importlib.import_module("tatami")
        self.kernels = importlib.import_module("tatami.kernels")
        self.package.set_num_threads(threads)
        self.cupy = importlib.import_module("cupy") if device == "cuda" else None

    def version(self):
        return f"{self.package.__version__} ({self.package.isa()})"

    def call(self, operation, inputs):
        if self.cupy:
            inputs = {key: self.cupy.asarray(array) for key, array in inputs.items()}
        return operation.tatami(self.kernels, **inputs)

    def to_numpy(self, array):
        return widened(array.get() if hasattr(array, "get") else np.asarray(array))

    def wait(self):
        if self.cupy:
            self.cupy.cuda.get_current_stream().synchronize()

    def about(self):
        if not self.cupy:
            return super().about()
        properties = self.cupy.cuda.runtime.getDeviceProperties(0)
        return {"version": self.version(), "device": properties["name"].decode()}


class Torch(Library):
    def __init__(self, name, threads, device):
        super().__init__(name, threads, device)
        self.module = importlib.import_module("torch")
        self.module.set_num_threads(threads)

    def version(self):
        return self.module.__version__

    def call(self, operation, inputs):
        tensors = {
            key: self.module.from_numpy(array).to(self.device) for key, array in inputs.items()
        }
        training = getattr(operation, "training", False)  # its call asks for gradients
        self.around = contextlib.nullcontext if training else self.module.inference_mode
        with self.around(), self.module.device(self.device):
            return operation.torch(self.module, **tensors)

    def to_numpy(self, array):
        array = array.detach().cpu()
        return (array.float() if array.dtype == self.module.bfloat16 else array).numpy()

    def wait(self):
        if self.device == "cuda":
            self.module.cuda.synchronize()


class OnnxRuntime(Library):
    """Inference alone, of a graph whose weights are constant: it may prepare them as it likes."""

    def __init__(self, name, threads, device):
        super().__init__(name, threads, device)
        self.module = importlib.import_module("onnxruntime")
        self.onnx = importlib.import_module("onnx")
        self.options = self.module.SessionOptions()
        self.options.intra_op_num_threads = threads

    def version(self):
        return self.module.__version__

    def call(self, operation, inputs):
        nodes, constants = operation.onnx(**inputs)
        read = {name for node in nodes for name in node.inputs}
        given = {key: array for key, array in inputs.items() if key in read - set(constants)}
        model = self.model(nodes, constants, given)
        session = self.module.InferenceSession(model, self.options, ["CPUExecutionProvider"])
        return lambda: session.run(["y"], given)

    def model(self, nodes, constants, given):
        helper, float32 = self.onnx.helper, self.onnx.TensorProto.FLOAT
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            [helper.make_node(n.kind, n.inputs, n.outputs, **n.attributes) for n in nodes],
            "graph",
            [value(name, float32, array.shape) for name, array in given.items()],
            [value("y", float32, None)],
            [self.onnx.numpy_helper.from_array(a, name) for name, a in constants.items()],
        )
        opset = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


LIBRARIES = {"tatami": Tatami, "numpy": Library, "torch": Torch, "onnxruntime": OnnxRuntime}


class Worker:
    def __init__(self, library: Library):
        self.library = library
        self.call = None
        self.repeats = 1

    def about(self):
        return self.library.about()

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
            self.library.wait()
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
        if self.library.device == "cuda":
            return {"value": self._copied(bytes)}
        return {"value": importlib.import_module("tatami._core").copy_bandwidth(bytes, streamed)}

    def _copied(self, bytes: int) -> float:
        cupy = self.library.cupy
        x, y = cupy.zeros(bytes // 8, np.float32), cupy.zeros(bytes // 8, np.float32)
        self.call, self.repeats = (lambda: cupy.copyto(y, x)), 20
        return bytes / min(self.batch() / self.repeats for _ in range(5))


def main(name: str, threads: str, device: str) -> None:
    # what a library prints must not mix with the replies
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other end's to handle
    gc.disable()
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            worker = worker or Worker(LIBRARIES[name](name, int(threads), device))
            reply = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        replies.write(json.dumps(reply) + "\n")
        gc.collect()
