"""Optimizer steps beyond the table: many steps, many tensors, nothing written when refused."""

import numpy as np
import pytest

import reference as R
from sources import Source
from support import assert_close, assert_same_bits
from tatami import kernels as K

SHAPES = ((), (1,), (15,), (16, 17), (33, 31), (0, 3), (2, 3, 4, 5), (4099,))

# name, lists of state, and settings; step is added for the Adams
RULES = [
    ("sgd_step", 0, {"lr": 0.1}),
    ("sgd_step", 1, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("adagrad_step", 1, {"lr": 0.1}),
    ("adadelta_step", 2, {}),
    ("rmsprop_step", 3, {"lr": 0.01, "momentum": 0.9}),
    ("adam_step", 2, {}),
    ("adam_step", 3, {"weight_decay": 0.01, "betas": (0.5, 0.99)}),
    ("adamw_step", 2, {"lr": 0.01}),
    ("adamax_step", 2, {"weight_decay": 0.01, "maximize": True}),
    ("nadam_step", 2, {"weight_decay": 0.01}),
]
every_rule = pytest.mark.parametrize(("name", "states", "settings"), RULES)


def arrays(count, dtype, seed=0):
    source = Source(seed)
    return [[source(*s).astype(dtype) for s in SHAPES] for _ in range(count)]


def zeros(count, dtype):
    return [[np.zeros(s, dtype) for s in SHAPES] for _ in range(count)]


@every_rule
def test_five_steps_over_many_tensors(name, states, settings, isa):
    for dtype in (np.float32, np.float64):
        (params,) = arrays(1, dtype)
        state = zeros(states, dtype)
        mine = [[a.copy() for a in one] for one in (params, *state)]
        reference = [[a.astype(np.float64) for a in one] for one in (params, *state)]
        places = [a.ctypes.data for one in mine for a in one]
        for step in range(1, 6):
            (grads,) = arrays(1, dtype, seed=step)
            counted = {"step": step} if "adam" in name else {}
            getattr(K, name)(mine[0], grads, *mine[1:], **settings, **counted)
            getattr(R, name)(reference[0], grads, *reference[1:], **settings, **counted)
        assert places == [a.ctypes.data for one in mine for a in one]
        for found, wanted in zip(mine, reference, strict=True):
            for y, ref in zip(found, wanted, strict=True):
                assert_close(y, ref, 5 + np.abs(ref), name)


@every_rule
def test_one_tensor_at_a_time_gives_the_same_bits(name, states, settings, isa):
    params, grads = arrays(2, np.float32)
    state = [[np.asarray(np.abs(a) + 1) for a in one] for one in arrays(states, np.float32, seed=1)]
    if name == "rmsprop_step":
        state[2] = [np.asarray(0.1 * a) for a in state[2]]
    counted = {"step": 2} if "adam" in name else {}
    together = [[a.copy() for a in one] for one in (params, *state)]
    getattr(K, name)(together[0], grads, *together[1:], **settings, **counted)
    for i in range(len(SHAPES)):
        alone = [[one[i].copy()] for one in (params, *state)]
        getattr(K, name)(alone[0], [grads[i]], *alone[1:], **settings, **counted)
        for y, whole in zip(alone, together, strict=True):
            assert_same_bits(y[0], whole[i], f"{name} {SHAPES[i]}")


@every_rule
def test_nan_in_a_gradient_stays_in_its_element(name, states, settings):
    p, g = np.ones(100, np.float32), np.ones(100, np.float32)
    g[37] = np.nan
    state = [[np.ones(100, np.float32)] for _ in range(states)]
    counted = {"step": 1} if "adam" in name else {}
    if name == "rmsprop_step":
        state[2][0] *= 0
    getattr(K, name)([p], [g], *state, **settings, **counted)
    assert np.isnan(p).sum() == 1 and np.isnan(p[37])


@every_rule
def test_an_empty_list_is_no_work(name, states, settings):
    counted = {"step": 1} if "adam" in name else {}
    getattr(K, name)([], [], *([] for _ in range(states)), **settings, **counted)


def test_tuples_are_lists_too():
    p = np.ones(3, np.float32)
    K.sgd_step((p,), (np.ones(3, np.float32),), lr=0.5)
    assert (p == 0.5).all()


def locked(a):
    a = a.copy()
    a.flags.writeable = False
    return a


P = np.ones((3, 4), np.float32)


@pytest.mark.parametrize(
    ("error", "second", "gradient", "says"),
    [
        (ValueError, P, np.ones((4, 3), np.float32), ("grads[1]", "(4, 3)", "(3, 4)")),
        (ValueError, locked(P), P, ("params[1]", "read-only")),
        (ValueError, np.asfortranarray(P), P, ("params[1]", "contiguous")),
        (TypeError, P.astype(np.float64), P, ("params[1]", "float64", "float32")),
        (TypeError, P, P.astype(np.float64), ("grads[1]", "float64", "float32")),
        (TypeError, P, P.astype(np.int64), ("grads[1]", "int64")),
        (TypeError, P.tolist(), P, ("params[1]", "list")),
        (TypeError, P, None, ("grads[1]", "NoneType")),
    ],
)
def test_nothing_is_written_when_any_array_does_not_fit(error, second, gradient, says):
    first = np.ones(5, np.float32)
    with pytest.raises(error, match=r"^sgd_step: ") as caught:
        K.sgd_step([first, second], [np.ones(5, np.float32), gradient], lr=0.5)
    for part in says:
        assert part in str(caught.value), caught.value
    assert (first == 1).all()


def test_lists_must_match():
    p = [np.ones(3, np.float32)]
    with pytest.raises(ValueError, match=r"^adam_step: exp_avgs .*2.*1"):
        K.adam_step(p, p, p * 2, p, step=1)
    with pytest.raises(TypeError, match=r"^adam_step: params .*ndarray"):
        K.adam_step(p[0], p, p, p, step=1)


@pytest.mark.parametrize("step", [0, -3])
def test_steps_count_from_one(step):
    p = [np.ones(3, np.float32)]
    with pytest.raises(ValueError, match=rf"^adam_step: step .*{step}"):
        K.adam_step(p, [np.ones(3, np.float32)], [np.zeros(3, np.float32)], p, step=step)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sgd_step", {"lr": -0.1}),
        ("sgd_step", {"lr": float("nan")}),
        ("adam_step", {"betas": (1.5, 0.9), "step": 1}),
        ("adam_step", {"eps": -1.0, "step": 1}),
        ("adam_step", {"weight_decay": -1.0, "step": 1}),
    ],
)
def test_impossible_settings_are_value_errors(name, settings):
    p = [np.ones(3, np.float32)]
    state = [[np.zeros(3, np.float32)] for _ in range(2 if "adam" in name else 0)]
    with pytest.raises(ValueError, match=rf"^{name}: "):
        getattr(K, name)(p, p, *state, **settings)


def test_nadam_steps_hand_on_their_product_of_momenta():
    p, g, m, v = ([np.ones(3)] for _ in range(4))
    product = 1.0
    for step in (1, 2, 3):
        product = K.nadam_step(p, g, m, v, step=step, mu_product=product)
    expected = np.prod([0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in (1, 2, 3)])
    np.testing.assert_allclose(product, expected, rtol=1e-14)


def test_the_norm_of_a_long_list_reads_any_layout():
    arrays = [np.ones((300, 200), np.float32).T[::2], np.zeros((0, 3), np.float32)]
    arrays += [np.broadcast_to(np.float32(2), (7,))] * 50
    assert K.global_norm(arrays) == np.sqrt(300 * 100 + 4 * 7 * 50)
    assert K.global_norm([]) == 0.0
    assert np.isnan(K.global_norm([np.array([np.nan, np.inf])]))


def test_lists_changed_in_place_name_themselves():
    with pytest.raises(ValueError, match=r"^scale_all: arrays\[0\] .*read-only"):
        K.scale_all([locked(P)], 2.0)
    with pytest.raises(TypeError, match=r"^ema_step: params\[0\] .*averages\[0\]"):
        K.ema_step([P.copy()], [P.astype(np.float64)], decay=0.5)
    with pytest.raises(ValueError, match=r"^clip_all: limit is -1"):
        K.clip_all([P.copy()], -1.0)
