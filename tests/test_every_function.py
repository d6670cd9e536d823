"""What holds for every public function, from the table in cases/."""

import functools
import inspect
import types

import numpy as np
import pytest

import reference as R
import tatami
from cases import CASES
from conftest import ISAS
from support import (
    LAYOUTS,
    assert_close,
    assert_same_bits,
    guarded,
    is_float,
    poison,
)
from tatami import _core
from tatami import kernels as K

DTYPES = (np.float32, np.float64)
NAMES = sorted({case.name for case in CASES})
NO_HALF = () if _core.isas() == ["cuda"] else (np.float16,)
TAKES_OUT = [n for n in NAMES if "out" in inspect.signature(getattr(K, n)).parameters]
every_name = pytest.mark.parametrize("name", NAMES)


def cases_of(name):
    return [case for case in CASES if case.name == name]


@functools.cache
def expected(case, dtype, n, whole=False):
    """Inputs, the reference's results and their magnitudes, once for all instruction sets."""
    arrays = case.inputs(dtype, n, whole=whole)
    return arrays, case.run(R, arrays), case.bounds(arrays)


def test_every_public_name_is_in_the_table():
    assert set(K.__all__) == set(NAMES)


def test_kernels_take_the_arguments_of_the_reference():
    for name in NAMES:
        signature = inspect.signature(getattr(K, name))
        parameters = [p for p in signature.parameters.values() if p.name not in ("out", "exact")]
        wanted = list(inspect.signature(getattr(R, name)).parameters.values())
        assert [(p.name, p.kind, p.default) for p in parameters] == [
            (p.name, p.kind, p.default) for p in wanted
        ], name


@every_name
def test_values(name, isa):
    for case in cases_of(name):
        for dtype in DTYPES:
            for n in (1, 3):
                arrays, wanted, bounds = expected(case, dtype, n)
                for y, ref, bound in zip(case.run(K, arrays), wanted, bounds, strict=True):
                    assert_close(y, ref, bound, f"{case} n={n}")
                    assert y.dtype == dtype or y.dtype.kind != "f", f"{case}: {y.dtype}"


@pytest.mark.parametrize("name", sorted({case.name for case in CASES if case.exact}))
def test_whole_numbers_are_exact(name, isa):
    for case in cases_of(name):
        if not case.exact:
            continue
        for dtype in DTYPES:
            arrays, wanted, _ = expected(case, dtype, 3, whole=True)
            for y, ref in zip(case.run(K, arrays), wanted, strict=True):
                np.testing.assert_array_equal(y, ref.astype(y.dtype), f"{case} {dtype}")


@every_name
def test_same_bits_for_any_number_of_threads(name, isa):
    if isa == "cuda":
        pytest.skip("about threads of the CPU")
    for case in cases_of(name):
        arrays = case.inputs(np.float32, case.large)
        with tatami.threads(1):
            alone = case.run(K, arrays)
        for n in (2, 3, 5, 8):
            with tatami.threads(n):
                for y, one in zip(case.run(K, arrays), alone, strict=True):
                    assert_same_bits(y, one, f"{case} on {n} threads")


@every_name
def test_same_bits_on_every_instruction_set_with_fma(name):
    fused = [isa for isa in ISAS if isa != "portable"]
    if len(fused) < 2:
        pytest.skip("one instruction set with fused multiply-adds")
    before = tatami.isa()
    try:
        for case in cases_of(name):
            for dtype in DTYPES:
                arrays = case.inputs(dtype, case.large)
                _core.set_isa(fused[0])
                first = case.run(K, arrays)
                for isa in fused[1:]:
                    _core.set_isa(isa)
                    for y, one in zip(case.run(K, arrays), first, strict=True):
                        assert_same_bits(y, one, f"{case} on {isa} and {fused[0]}")
    finally:
        _core.set_isa(before)


@every_name
def test_any_layout_gives_the_same_bits_and_is_only_read(name):
    for case in cases_of(name):
        arrays = case.inputs(np.float32, 3)
        wanted = case.run(K, arrays)
        for label, layout in LAYOUTS.items():
            laid_out = [layout(a) if isinstance(a, np.ndarray) else a for a in arrays]
            for y, ref in zip(case.run(K, laid_out), wanted, strict=True):
                assert_same_bits(y, ref, f"{case} {label}")
            for before, after in zip(arrays, laid_out, strict=True):
                assert before is None or np.array_equal(before, after), f"{case} wrote an argument"


@every_name
def test_results_are_whole_and_own_their_memory(name, isa):
    """Freed results are poisoned, so that an element the next call skips shows itself."""
    for case in cases_of(name):
        for dtype in DTYPES:
            arrays = case.inputs(dtype, 3)
            results = case.run(K, arrays)
            wanted = [np.copy(y) for y in results]
            for y in results:
                assert y.flags.c_contiguous and y.flags.aligned and y.flags.writeable, str(case)
            poison(results)
            del results, y
            for y, ref in zip(case.run(K, arrays), wanted, strict=True):
                assert_same_bits(y, ref, str(case))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's mean of nothing, which is NaN
@every_name
def test_an_empty_batch_gives_empty_results_and_zero_sums(name, isa):
    for case in cases_of(name):
        if case.in_place:
            continue
        arrays = case.inputs(np.float32, 0)
        wanted = case.run(R, arrays)
        for y, ref in zip(case.run(K, arrays), wanted, strict=True):
            assert_same_bits(np.abs(y), np.abs(np.asarray(ref, y.dtype)), str(case))


@pytest.mark.parametrize("name", sorted({case.name for case in CASES if case.batch}))
def test_a_batch_of_two_is_two_batches_of_one(name, isa):
    for case in cases_of(name):
        if not case.batch:
            continue
        axis, positions = case.batch
        arrays, _, bounds = expected(case, np.float32, 2)
        whole = case.run(K, arrays)
        for i in range(2):
            one = [np.take(a, [i], axis) if p in positions else a for p, a in enumerate(arrays)]
            for y, part, bound in zip(whole, case.run(K, one), bounds, strict=True):
                mine = np.take(y, [i], axis)
                bound = np.take(np.broadcast_to(bound, y.shape), [i], axis)
                assert_close(part, mine, bound, f"{case} row {i}")


class WithOut:
    """tatami.kernels with out= added to every call of one function."""

    def __init__(self, name, out):
        self.name, self.out = name, out

    def __getattr__(self, name):
        function = getattr(K, name)
        return functools.partial(function, out=self.out) if name == self.name else function


@pytest.mark.parametrize("name", TAKES_OUT)
def test_out_is_written_whole_and_nothing_else(name, isa):
    for case in cases_of(name):
        for dtype in DTYPES:
            arrays = case.inputs(dtype, 3)
            (wanted,) = case.run(K, arrays)
            with guarded(wanted.shape, dtype) as out:
                y = case.call(WithOut(name, out), *arrays)
                assert y is out
                assert_same_bits(out, wanted, str(case))


@pytest.mark.parametrize("name", TAKES_OUT)
def test_out_that_does_not_fit_is_refused_and_not_written(name):
    case = cases_of(name)[0]
    arrays = case.inputs(np.float32, 3)
    (y,) = case.run(K, arrays)
    wide = np.zeros((*y.shape[:-1], 2 * y.shape[-1]), np.float32)
    locked = np.zeros(y.shape, np.float32)
    locked.flags.writeable = False
    for out, error, says in (
        (np.zeros((*y.shape, 1), np.float32), ValueError, str(y.shape)),
        (np.zeros(y.shape, np.float64), TypeError, "float64"),
        (wide[..., ::2], ValueError, "contiguous"),
        (locked, ValueError, "read-only"),
        ([0.0], TypeError, "list"),
    ):
        with pytest.raises(error) as caught:
            case.call(WithOut(name, out), *arrays)
        text = str(caught.value)
        assert text.startswith(f"{name}: out ") and says in text, text
        assert not np.any(out), f"{name} wrote an out= that it refused"


def _refused(case, arrays, error):
    """The message, which starts with the operator (or the forward pass that a gradient needs)."""
    with pytest.raises(error) as caught:
        case.call(K, *arrays)
    text = str(caught.value)
    forward = case.name.removesuffix("_grad")
    assert text.startswith((f"{case.name}: ", f"{forward}: ")), text
    return text


def _replaced(arrays, position, value):
    return [*arrays[:position], value, *arrays[position + 1 :]]


@every_name
def test_wrong_dtypes_and_kinds_are_type_errors(name):
    case = cases_of(name)[0]
    arrays = case.inputs(np.float32, 2)
    floats = [i for i, a in enumerate(arrays) if is_float(a) and a.ndim]
    for i in floats:
        for dtype in (np.int64, *NO_HALF, np.complex64, bool, object):
            text = _refused(case, _replaced(arrays, i, arrays[i].astype(dtype)), TypeError)
            assert str(np.dtype(dtype)) in text, text
        impostor = types.SimpleNamespace(shape=arrays[i].shape, __len__=lambda: 2)
        with pytest.raises(TypeError):
            case.call(K, *_replaced(arrays, i, impostor))
        if len(floats) > 1:
            mixed = _replaced(arrays, i, arrays[i].astype(np.float64))
            text = _refused(case, mixed, TypeError)
            assert "float32" in text and "float64" in text, text
    for i in (i for i, a in enumerate(arrays) if isinstance(a, np.ndarray) and not is_float(a)):
        _refused(case, _replaced(arrays, i, arrays[i].astype(np.float32)), TypeError)


# Whose first argument may have any number of axes.
ANY_RANK = ("matmul", "linear", "embedding", "batch_norm", "instance_norm", "group_norm", "prelu")
# Whose arrays have nothing to do with each other.
ANY_SHAPES = ("clip_all", "global_norm", "scale_all")


@every_name
def test_wrong_shapes_name_the_operator(name):
    """A spare axis on one of several arrays never fits."""
    case = cases_of(name)[0]
    arrays = case.inputs(np.float32, 2)
    given = [i for i, a in enumerate(arrays) if isinstance(a, np.ndarray) and a.ndim]
    for i in given if len(given) > 1 and name not in ANY_SHAPES else []:
        if i > 0 or name not in ANY_RANK:
            spare = _replaced(arrays, i, arrays[i][..., None])
            _refused(case, spare, ValueError)
