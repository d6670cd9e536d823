"""Arrays on a GPU, by the stand-in of fake_cupy and the emulated kernels (TATAMI_CUDA=emulate).

There NumPy's arrays go to the same kernels, so that both ways give the same bits.
"""

import gc
import os
import types

import numpy as np
import pytest

import fake_cupy as cp
import tatami
from cases import CASES
from support import assert_same_bits
from tatami import _core
from tatami import kernels as K

emulated = pytest.mark.skipif(
    tatami.isa() != "cuda", reason="wants TATAMI_CUDA=emulate and a build that has the emulator"
)
if tatami.isa() == "cuda":
    folder = os.path.dirname(_core.__file__)
    cp.install(os.path.join(folder, "libtatami_cuda_emulated.so"))

NAMES = sorted({case.name for case in CASES})
OUT = [n for n in NAMES if "out" in getattr(K, n).__code__.co_varnames]
every_name = pytest.mark.parametrize("name", NAMES)


def cases_of(name):
    return [case for case in CASES if case.name == name]


def to_device(a):
    return cp.asarray(a) if isinstance(a, np.ndarray) else a


def on_device(case, arrays):
    results = case.run(K, [to_device(a) for a in arrays])
    assert all(type(y) is cp.ndarray for y in results), f"{case}: {[type(y) for y in results]}"
    return [y.get() for y in results]


def rounded(case):
    """A number on the host is divided by the number of terms before it is rounded to the dtype."""
    return case.name.endswith(("loss_grad", "logits_grad", "entropy_grad")) and "mean" in case.label


@emulated
@every_name
def test_same_bits_as_for_numpy_arrays(name):
    for case in cases_of(name):
        for dtype in (np.float32, np.float64):
            for n in (0, 1, 3):
                if n == 0 and case.in_place:
                    continue
                arrays = case.inputs(dtype, n)
                wanted = case.run(K, arrays)
                for y, ref in zip(on_device(case, arrays), wanted, strict=True):
                    y = y.astype(ref.dtype) if case.name == "global_norm" else y
                    if rounded(case):
                        np.testing.assert_allclose(y, ref, 2 * np.finfo(y.dtype).eps, 0)
                    else:
                        assert_same_bits(y, ref, f"{case} n={n}")


def _strided(a):
    wide = cp.asarray(np.repeat(a, 3, -1)) if a.ndim else cp.asarray(a)
    return wide[..., 1::3] if a.ndim else wide


def _turned(a):
    return cp.asarray(a.T.copy(order="C")).T


@emulated
@pytest.mark.parametrize("layout", [_strided, _turned])
@every_name
def test_any_layout(name, layout):
    for case in cases_of(name)[:2]:
        if case.in_place:
            continue
        arrays = case.inputs(np.float32, 3)
        laid_out = [layout(a) if isinstance(a, np.ndarray) else a for a in arrays]
        results = case.run(K, laid_out)
        for y, ref in zip(results, case.run(K, arrays), strict=True):
            assert_same_bits(y.get(), ref, str(case))


@emulated
@pytest.mark.parametrize("name", OUT)
def test_out(name):
    case = cases_of(name)[0]
    arrays = case.inputs(np.float32, 3)
    (wanted,) = case.run(K, arrays)
    outs = types.SimpleNamespace()

    class WithOut:
        def __getattr__(self, name):
            return lambda *args, **how: getattr(K, name)(*args, **how, out=outs.out)

    device = [to_device(a) for a in arrays]
    outs.out = cp.empty(wanted.shape, np.float32)
    assert case.call(WithOut(), *device) is outs.out
    assert_same_bits(outs.out.get(), wanted)
    outs.out = np.empty(wanted.shape, np.float32)
    with pytest.raises(TypeError, match="out is a NumPy array but the result is an array on"):
        case.call(WithOut(), *device)


@emulated
@every_name
def test_mixed_devices_are_refused_by_name(name):
    case = cases_of(name)[0]
    arrays = case.inputs(np.float32, 2)
    places = [i for i, a in enumerate(arrays) if isinstance(a, np.ndarray)]
    scalars = [i for i in places if arrays[i].ndim == 0]  # numbers may come from the host
    for i in places if len(places) > 1 else []:
        if i in scalars or len(places) - len(scalars) == 1:
            continue
        mixed = [a if k == i else to_device(a) for k, a in enumerate(arrays)]
        with pytest.raises(TypeError) as caught:
            case.call(K, *mixed)
        text = str(caught.value)
        assert "is a NumPy array" in text and "is an array on the GPU" in text, text


@emulated
def test_no_call_keeps_workspace():
    for case in (c for c in CASES if c.name in ("conv2d", "layer_norm_grad", "cross_entropy")):
        arrays = [to_device(a) for a in case.inputs(np.float32, 3)]
        gc.collect()
        before = cp._pool.in_use
        case.run(K, arrays)
        gc.collect()
        assert cp._pool.in_use == before, str(case)


@emulated
def test_kernels_run_on_the_current_stream():
    logits, target = cp.zeros((3, 4), np.float32), cp.zeros(3, np.int64)
    cp.streams.clear()
    with cp.cuda.Stream(non_blocking=True) as stream:
        K.cross_entropy(logits, target)
    assert cp.streams == {None, stream.ptr}  # for results, and for workspace within the call
    assert cp.context()[0] is None


# Arrays of other libraries


class Foreign:
    """What another library shows of an array on the GPU."""

    def __init__(self, array, dlpack):
        self.array = array
        if dlpack:
            self.__dlpack__ = lambda **_: None
            self.__dlpack_device__ = lambda: (2, 0)
        else:
            self.__cuda_array_interface__ = array.__cuda_array_interface__


@emulated
@pytest.mark.parametrize("dlpack", [False, True])
def test_arrays_of_other_libraries(dlpack):
    x = np.array([-1.0, 2.0], np.float32)
    y = K.relu(Foreign(cp.asarray(x), dlpack))
    assert type(y) is cp.ndarray
    assert_same_bits(y.get(), K.relu(x))
    out = Foreign(cp.zeros(2, np.float32), dlpack)
    assert K.relu(cp.asarray(x), out=out) is out
    assert_same_bits(out.array.get(), K.relu(x))


# Numbers that stay there


@emulated
def test_a_loss_and_its_gradient_stay_on_the_device():
    x, t = cp.asarray(np.ones((3, 5), np.float32)), cp.asarray(np.zeros((3, 5), np.float32))
    loss = K.mse_loss(x, t)
    assert type(loss) is cp.ndarray and loss.shape == () and loss.dtype == np.float32
    grad = K.mse_loss_grad(cp.asarray(np.float32(3)), x, t)
    np.testing.assert_allclose(grad.get(), np.full((3, 5), 2 * 3 / 15), rtol=1e-6)
    with pytest.raises(ValueError, match=r"grad_y has shape \(1,\) but the loss has shape \(\)"):
        K.mse_loss_grad(cp.asarray(np.ones(1, np.float32)), x, t)
    with pytest.raises(TypeError, match="grad_y is float64 but input is float32"):
        K.mse_loss_grad(cp.asarray(np.float64(1)), x, t)


@emulated
def test_a_target_out_of_range_makes_its_loss_nan():
    x, t = np.zeros((3, 4), np.float32), np.array([1, 4, -100])
    device = cp.asarray(x), cp.asarray(t)
    losses = K.cross_entropy(*device, reduction="none").get()
    assert np.array_equal(np.isnan(losses), [False, True, False]) and losses[2] == 0
    assert np.isnan(K.cross_entropy(*device).get())
    grad = K.cross_entropy_grad(cp.ones(3, np.float32), *device, reduction="none").get()
    assert np.array_equal(np.isnan(grad).all(1), [False, True, False]) and not grad[2].any()


@emulated
def test_indices_out_of_range_are_not_waited_for():
    rows = K.embedding(cp.asarray(np.array([0, 5])), cp.asarray(np.ones((3, 2), np.float32)))
    assert np.array_equal(np.isnan(rows.get()), [[False] * 2, [True] * 2])
    grad = K.max_pool2d_grad(
        cp.ones((1, 1, 1, 2), np.float32),
        cp.asarray(np.array([[[[0, 99]]]])),
        (1, 1, 2, 4),
        kernel_size=2,
    )
    assert_same_bits(grad.get().ravel(), np.array([1, 0, 0, 0, 0, 0, 0, 0], np.float32))


@emulated
def test_the_norm_of_a_list_stays_on_the_device_and_scales_it():
    arrays = [np.full(3, 2.0, np.float32), np.ones((2, 2), np.float32)]
    device = [cp.asarray(a) for a in arrays]
    norm = K.global_norm(device)
    assert norm.shape == () and norm.dtype == np.float64 and norm.item() == 4
    K.scale_all(device, 2.0 / norm)
    assert_same_bits(device[0].get(), np.ones(3, np.float32))
    with pytest.raises(TypeError, match="factor must be a number or a float64 array of no axes"):
        K.scale_all(device, cp.ones(2))


# Errors


@emulated
def test_wrong_arguments_name_the_operator():
    x = cp.zeros((2, 3), np.float32)
    with pytest.raises(TypeError, match="relu: x has dtype int32"):
        K.relu(cp.zeros(3, np.int32))
    with pytest.raises(TypeError, match="float32 but b is float64"):
        K.matmul(x, cp.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"sgd_step: params.0. .* must be C-contiguous"):
        K.sgd_step([x.T], [x.T], lr=0.1)
    with pytest.raises(TypeError, match="embedding: indices must hold integers"):
        K.embedding(x, x)
    odd = cp.zeros(9, np.uint8)[1:].view(np.float32)
    with pytest.raises(ValueError, match="relu: x does not begin at a multiple of its items"):
        K.relu(odd)
    with pytest.raises(ValueError, match="relu: out shares memory"):
        wide = cp.zeros(8, np.float32)
        K.relu(wide[:4], out=wide[2:6])


def test_what_is_missing_is_said():
    """Without the emulator: no library in this build, or no driver on this machine."""
    if tatami.isa() == "cuda":
        pytest.skip("the emulator answers")
    array = types.SimpleNamespace(__cuda_array_interface__={})
    with pytest.raises(RuntimeError, match=r"CUDA: (this build of tatami has no|no NVIDIA driver)"):
        K.relu(array)
