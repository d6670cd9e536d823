"""pytest-benchmark over the shared list of shapes: `pytest benchmarks -k "conv2d and tatami"`.

For limits, goals and peers in processes of their own, run `python -m tatami bench`.
"""

import numpy as np
import pytest

import tatami.kernels
from tatami.bench.bfloat16 import widened
from tatami.bench.measure import difference
from tatami.bench.operation import outputs
from tatami.bench.shapes import CASES


def calls(operation):
    """The same operation on the same inputs in tatami and in NumPy."""
    rng = np.random.default_rng
    return {
        "tatami": operation.tatami(tatami.kernels, **operation.inputs(rng(0))),
        "numpy": operation.numpy(**operation.inputs(rng(0))),
    }


@pytest.mark.parametrize("library", ["tatami", "numpy"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kernel(benchmark, case, library):
    benchmark.group = case.name
    both = calls(case.operation)
    results = [[widened(np.array(array)) for array in outputs(call())] for call in both.values()]
    assert difference(*results, case.operation.tolerance) is None
    benchmark(both[library])
