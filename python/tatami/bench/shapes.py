"""The one list of what is measured: shapes from real networks, and the share of the limit to
reach.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bfloat16 import Bfloat16
from .conv import Conv2d, Conv2dInputGrad, Conv2dWeightGrad, ConvTranspose2d
from .draws import Dropout, DropoutGrad, Reparameterize
from .elementwise import Activation, CrossEntropy, ReluGrad, Softmax, SoftmaxGrad
from .matmul import Linear, Matmul
from .norm import BatchNorm, LayerNorm
from .operation import Operation
from .optim import AdamStep, SgdStep
from .pool import AvgPool2d, AvgPool2dGrad, MaxPool2d, MaxPool2dGrad, MaxPool2dIndices
from .recurrent import Gru, Lstm, Rnn
from .tiny import TinyMatmul, TinyRelu


@dataclass(frozen=True)
class Case:
    operation: Operation
    label: str
    goal: float | None = None  # share of the measured limit
    quick: bool = False  # also part of a quick run
    over_numpy: float | None = None  # for tiny calls: seconds that it may take more than NumPy

    @property
    def name(self):
        return f"{self.operation.kernel} {self.label}"


def matmul_cases():
    for size, goal in ((64, None), (128, 0.60), (512, 0.85), (1024, 0.85), (2048, 0.85)):
        yield Case(Matmul(size, size, size), f"{size} cube", goal, size in (128, 512))
    yield Case(Linear(128, 784, 512), "128x784x512 relu", 0.75, True)
    yield Case(Matmul(784, 128, 512, transposed=True), "784x128x512 a.T")
    for rows in (1, 2, 4):
        yield Case(Matmul(rows, 1024, 1024), f"{rows}x1024x1024")
    yield Case(Matmul(1, 4096, 4096), "1x4096x4096")
    yield Case(Matmul(128, 784, 10), "128x784x10")
    yield Case(Matmul(64, 16384, 64), "64x16384x64 K-heavy")


def three_convolutions(label, *sizes, goals=(None, None, None), quick=False, **settings):
    """Forward, input gradient and weight gradient of one layer."""
    for kind, goal in zip((Conv2d, Conv2dInputGrad, Conv2dWeightGrad), goals, strict=True):
        yield Case(kind(*sizes, **settings), label, goal, quick)


def convolution_cases():
    goals = (0.80, 0.75, 0.70)
    for c, size in ((64, 56), (128, 28), (256, 14), (512, 7)):
        label = f"8x{c}@{size} 3x3"
        sizes = 8, c, size, c, 3
        yield from three_convolutions(label, *sizes, goals=goals, quick=c == 128, padding=1)
    for n, c, size in (
        (1, 64, 56),
        (1, 128, 28),
        (1, 64, 224),
        (32, 32, 32),
        (32, 64, 32),
        (32, 128, 16),
        (32, 256, 8),
        (32, 512, 4),
    ):
        yield from three_convolutions(f"{n}x{c}@{size} 3x3", n, c, size, c, 3, padding=1)
    goals = (0.75, 0.75, 0.75)
    yield from three_convolutions("8x64@56 1x1 to 256", 8, 64, 56, 256, 1, goals=goals)
    yield from three_convolutions("8x256@56 1x1 s2 to 512", 8, 256, 56, 512, 1, stride=2)
    goals = (0.60, 0.50, 0.50)
    stem = {"stride": 2, "padding": 3, "goals": goals}
    yield from three_convolutions("8x3@224 7x7 s2 to 64", 8, 3, 224, 64, 7, **stem)
    yield from three_convolutions("128x1@28 5x5 to 6 (LeNet)", 128, 1, 28, 6, 5, padding=2)
    yield from three_convolutions("128x6@14 5x5 to 16 (LeNet)", 128, 6, 14, 16, 5)
    depthwise = {"padding": 1, "groups": 256}
    yield from three_convolutions("8x256@28 3x3 depthwise", 8, 256, 28, 256, 3, **depthwise)
    strided = {"stride": 2, "padding": 1}
    yield from three_convolutions("8x128@56 3x3 s2", 8, 128, 56, 128, 3, **strided)
    dilated = {"padding": 2, "dilation": 2}
    yield from three_convolutions("8x128@28 3x3 d2", 8, 128, 28, 128, 3, **dilated)


def transposed_cases():
    yield Case(ConvTranspose2d(64, 100, 1, 512, 4), "64x100@1 k4 to 512", 0.70)
    for c, size, o, goal in ((512, 4, 256, 0.7), (256, 8, 128, 0.7), (128, 16, 64, 0.7)):
        operation = ConvTranspose2d(64, c, size, o, 4, 2, 1)
        yield Case(operation, f"64x{c}@{size} k4 s2 to {o}", goal, c == 256)
    yield Case(ConvTranspose2d(64, 64, 32, 3, 4, 2, 1), "64x64@32 k4 s2 to 3", 0.35)


def pooling_cases():
    sizes = 8, 64, 112
    for k, padding in ((2, 0), (3, 1)):
        label = f"8x64@112 {k}x{k} s2"
        settings = *sizes, k, 2, padding
        yield Case(MaxPool2d(*settings), label, 0.60, k == 2)
        yield Case(MaxPool2dIndices(*settings), f"{label} with indices", 0.60)
        yield Case(MaxPool2dGrad(*settings), label, 0.60, k == 2)
        yield Case(AvgPool2d(*settings), label, 0.60)
        yield Case(AvgPool2dGrad(*settings), label, 0.60)
    for c, size in ((6, 28), (16, 10)):
        label = f"128x{c}@{size} 2x2 s2 (LeNet)"
        settings = 128, c, size, 2, 2
        yield Case(MaxPool2d(*settings), label)
        yield Case(MaxPool2dIndices(*settings), f"{label} with indices")
        for kind in (MaxPool2dGrad, AvgPool2d, AvgPool2dGrad):
            yield Case(kind(*settings), label)


def recurrent_cases():
    shapes = {
        (35, 20, 200, 200): (0.60, 0.60),
        (35, 20, 650, 650): (0.75, 0.70),
        (128, 64, 128, 256): (None, None),
        (28, 128, 28, 128): (None, None),
        (50, 1, 256, 512): (None, None),
    }
    shares = {Lstm: 1, Gru: 0.85, Rnn: None}  # of the LSTM's goal
    for kind, part in shares.items():
        for sizes, goals in shapes.items():
            label = "T{} B{} I{} H{}".format(*sizes)
            for training, goal in zip((False, True), goals, strict=True):
                what = "forward + backward" if training else "inference"
                quick = kind is Lstm and sizes[3] == 200
                goal = round(goal * part, 2) if goal and part else None
                yield Case(kind(*sizes, training), f"{label} {what}", goal, quick)


def memory_bound_cases():
    for x in ((8, 64, 56, 56), (64, 512, 8, 8)):
        label = "x".join(map(str, x))
        yield Case(BatchNorm(x), label, 0.80, x[1] == 64)
        yield Case(BatchNorm(x, grad=True), label, 0.80)
    for x in ((64, 512), (4096, 1024)):
        label = "x".join(map(str, x))
        yield Case(LayerNorm(x), label, 0.80)
        yield Case(LayerNorm(x, grad=True), label, 0.80)
    for rows, columns in ((64, 1000), (4096, 1000)):
        label = f"{rows}x{columns}"
        yield Case(Softmax(rows, columns), label, 0.80, rows == 4096)
        yield Case(SoftmaxGrad(rows, columns), label, 0.80)
    yield Case(CrossEntropy(4096, 1000), "4096x1000")
    for size, label in ((1 << 16, "64k"), (1 << 24, "16M")):
        for name in ("relu", "sigmoid", "tanh", "silu", "gelu"):
            yield Case(Activation(name, size), label, 0.80, name in ("relu", "gelu"))
        yield Case(ReluGrad(size), label, 0.80)
        for kind in (Dropout, DropoutGrad, Reparameterize):
            yield Case(kind(size), label)
    for size, label in ((1 << 15, "32k"), (10_000_000, "10M")):
        yield Case(AdamStep(size), label, 0.80, size > 1 << 20)
        yield Case(SgdStep(size), label, 0.80)


def tiny_cases():
    yield Case(TinyRelu(), "8 floats", quick=True, over_numpy=1e-6)
    yield Case(TinyMatmul(), "4x4x4", quick=True, over_numpy=1e-6)


FLOAT32 = [
    *matmul_cases(),
    *convolution_cases(),
    *transposed_cases(),
    *pooling_cases(),
    *recurrent_cases(),
    *memory_bound_cases(),
    *tiny_cases(),
]
IN_BFLOAT16 = (  # each next to its float32
    *(f"matmul {size} cube" for size in (128, 512, 1024, 2048)),
    "matmul 1x4096x4096",
    "linear 128x784x512 relu",
    *(
        f"{kernel} {label}"
        for label in ("8x64@56 3x3", "8x128@28 3x3", "8x256@14 3x3", "8x64@56 1x1 to 256")
        for kernel in ("conv2d", "conv2d_input_grad", "conv2d_weight_grad")
    ),
    "conv2d 8x3@224 7x7 s2 to 64",
    "lstm T35 B20 I200 H200 inference",
    "lstm T35 B20 I650 H650 inference",
    "lstm T35 B20 I650 H650 forward + backward",
)


def bfloat16_cases():
    cases = {case.name: case for case in FLOAT32}
    for case in map(cases.get, IN_BFLOAT16):
        yield Case(Bfloat16(case.operation), f"{case.label} bfloat16")


CASES = [*FLOAT32, *bfloat16_cases()]
