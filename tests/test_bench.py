"""The benchmark's own parts: its list, its verdict on results, and a short run from end to end."""

import json

import numpy as np
import pytest

from tatami import bench, kernels
from tatami.bench import plot, shapes
from tatami.bench.bfloat16 import Bfloat16, widened
from tatami.bench.conv import Conv2d, Conv2dInputGrad, Conv2dWeightGrad
from tatami.bench.matmul import Linear, Matmul
from tatami.bench.measure import Row, difference
from tatami.bench.operation import outputs
from tatami.bench.recurrent import Gru, Lstm, Rnn
from tatami.bench.report import means, summary


def test_names_are_unique():
    names = [case.name for case in shapes.CASES]
    assert len(set(names)) == len(names)


def test_every_case_names_a_kernel():
    for case in shapes.CASES:
        assert case.operation.kernel in kernels.__all__, case.name


def test_every_family_has_a_colour():
    assert {case.operation.family for case in shapes.CASES} <= set(plot.COLOURS)


@pytest.mark.parametrize("kind", [Matmul, Linear, Conv2d, Lstm, Gru, Rnn])
def test_graphs_lead_from_inputs_and_constants_to_y(kind):
    operations = (case.operation for case in shapes.CASES if type(case.operation) is kind)
    operation = next(each for each in operations if "onnxruntime" in each.peers)
    inputs = operation.inputs(np.random.default_rng(0))
    nodes, constants = operation.onnx(**inputs)
    known = {*inputs, *constants}
    for node in nodes:
        assert set(node.inputs) <= known
        known |= set(node.outputs)
    assert nodes[-1].outputs == ["y"]


SMALL = (
    Matmul(9, 40, 35),
    Linear(5, 33, 20),
    Conv2d(2, 3, 8, 5, 3, padding=1),
    Conv2dInputGrad(2, 3, 8, 5, 3, padding=1),
    Conv2dWeightGrad(2, 3, 8, 5, 3, padding=1),
    Lstm(4, 3, 5, 6),
    Lstm(4, 3, 5, 6, training=True),
)


@pytest.mark.parametrize("operation", SMALL, ids=lambda operation: operation.kernel)
def test_bfloat16_agrees_with_numpy(operation):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    narrow = Bfloat16(operation)
    inputs = narrow.inputs(np.random.default_rng(0))
    for key, array in operation.inputs(np.random.default_rng(0)).items():
        np.testing.assert_array_equal(inputs[key], array.astype(bfloat16).astype(np.float32))
    results = outputs(narrow.tatami(kernels, **inputs)())
    assert {array.dtype for array in results} == {np.dtype(bfloat16)}
    expected = outputs(narrow.numpy(**inputs)())
    assert difference([widened(a) for a in results], expected, narrow.tolerance) is None
    assert difference([widened(a) for a in results], expected), "as exact as float32"


def test_a_summary_compares_bfloat16_with_float32():
    cases = {case.name: case for case in shapes.CASES}
    narrow = cases["matmul 512 cube bfloat16"], {"tatami": 1e-3}
    text = summary([Row(cases["matmul 512 cube"], {"tatami": 2e-3}), Row(*narrow)])
    assert "matmul 512 cube bfloat16: 2.00 times the speed of float32" in text


def test_a_summary_has_the_geometric_means_of_a_kernel():
    cases = {case.name: case for case in shapes.CASES}
    rows = [
        Row(cases["matmul 512 cube"], {"tatami": 1.0, "numpy": 2.0, "torch": 9.0}),
        Row(cases["matmul 1024 cube"], {"tatami": 1.0, "numpy": 8.0}),
        Row(cases["linear 128x784x512 relu"], {"tatami": 1.0, "numpy": 3.0}),
    ]
    (mean,) = means(rows)
    assert mean.split() == ["matmul,", "mean", "of", "2", "4.00x", "9.00x", "-"]
    assert mean in summary(rows)


def test_difference_sees_wrong_values_shapes_and_nan():
    right = np.arange(6, dtype=np.float32).reshape(2, 3)
    wrong = right.copy()
    wrong[1, 1] += 0.1
    assert difference([right], [right]) is None
    assert "differs" in difference([wrong], [right])
    assert "differs" in difference([np.full_like(right, np.nan)], [right])
    assert "shape" in difference([right.T], [right])
    assert "outputs" in difference([right, right], [right])
    assert "differs by 1" in difference([right > 2], [right > 3])


def test_share_is_of_the_slower_limit():
    case = next(c for c in shapes.CASES if c.name == "matmul 512 cube")
    row = Row(case, {"tatami": 2e-3, "numpy": 4e-3}, bytes=10**6, peak=2e11, bandwidth=1e10)
    assert row.compute_bound and row.share == pytest.approx(2 * 512**3 / 2e11 / 2e-3)
    assert row.ratio("numpy") == 2 and row.ratio("torch") is None
    row.bandwidth = 1e8
    assert not row.compute_bound and row.share == pytest.approx(1e6 / 1e8 / 2e-3)


def test_short_run_writes_json_and_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert bench.main(["--quick", "--no-peers", "--filter", "4x4x4", "--out", str(tmp_path)]) == 0
    assert "matmul 4x4x4" in capsys.readouterr().out
    written = json.loads((tmp_path / "bench.json").read_text())
    (case,) = written["cases"]
    assert case["seconds"]["tatami"] > 0 and case["seconds"]["numpy"] > 0
    assert case["peak"] > 0 and case["bandwidth"] > 0 and not case["problems"]
    assert (tmp_path / "bench.png").stat().st_size > 1000


def test_unknown_filter_is_an_error(capsys):
    assert bench.main(["--filter", "no such kernel"]) == 1
    assert "no such kernel" in capsys.readouterr().err
