"""The kernels of the demo's network against NumPy's best formulation of the same."""

import time

import numpy as np

from .. import kernels
from ..bench.conv import Conv2d, Conv2dInputGrad, Conv2dWeightGrad
from ..bench.elementwise import Activation
from ..bench.matmul import Linear
from ..bench.norm import BatchNorm
from ..bench.optim import AdamStep
from ..bench.pool import MaxPool2d, MaxPool2dGrad
from ..bench.report import duration

BATCH = 32
LAYER = (BATCH, 16, 8, 32, 3, 1, 1)  # the second convolution
CASES = {
    "convolution, 16 to 32 channels": Conv2d(*LAYER),
    "  its input gradient": Conv2dInputGrad(*LAYER),
    "  its weight gradient": Conv2dWeightGrad(*LAYER),
    "batch normalization": BatchNorm((BATCH, 32, 8, 8)),
    "relu": Activation("relu", BATCH * 32 * 64),
    "max pooling": MaxPool2d(BATCH, 32, 8, 2, 2, 0),
    "  its gradient": MaxPool2dGrad(BATCH, 32, 8, 2, 2, 0),
    "linear, 512 to 64, with relu": Linear(BATCH, 512, 64),
    "Adam on 38,000 weights": AdamStep(38_000),
}


def seconds(*calls, budget=0.1):
    """Median time of each call; they take turns, so that all meet the same machine."""
    times = [[] for _ in calls]
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times[0]) < 5:
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [float(np.median(taken)) for taken in times]


def table():
    """Time of one call, in training's batch of 32 images."""
    rng = np.random.default_rng(0)
    lines = [f"{'kernel, batch of 32 images':<34}{'tatami':>10}{'NumPy':>10}{'faster':>10}"]
    for name, operation in CASES.items():
        inputs = operation.inputs(rng)
        calls = operation.tatami(kernels, **inputs), operation.numpy(**inputs)
        ours, theirs = seconds(*calls)
        ratio = f"{theirs / ours:.1f}x"
        lines.append(f"{name:<34}{duration(ours):>10}{duration(theirs):>10}{ratio:>10}")
    return "\n".join(lines)
