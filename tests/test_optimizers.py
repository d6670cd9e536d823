"""Optimizers, schedules, clipping and averages against PyTorch's numbers and their own rules."""

import copy
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from tatami import Tensor, nn, optim
from tatami.nn import utils
from tatami.optim import lr_scheduler

STORED = Path(__file__).parent / "stored"
sys.path.insert(0, str(STORED))
from optim_cases import (  # noqa: E402
    CLIPS,
    OPTIMIZERS,
    PLATEAUS,
    SCHEDULES,
    gradients,
    plateau,
    run,
    schedule,
    start,
)


@pytest.fixture(scope="module")
def expected():
    with np.load(STORED / "optim.npz") as archive:
        return dict(archive)


def parameters(dtype=np.float64):
    return [nn.Parameter(np.asarray(p, dtype)) for p in start()]


def assign(params, grads):
    for p, g in zip(params, grads, strict=True):
        p.grad = Tensor(np.asarray(g, p.dtype))


def made(name, settings, params):
    return getattr(optim, name)(
        [{"params": params[:2]}, {"params": params[2:], "lr": 0.03}], **settings
    )


def walked(optimizer, params, first, last):
    for step in range(first, last):
        assign(params, gradients([p.data for p in params], step))
        optimizer.step()
    return np.concatenate([p.data.ravel() for p in params])


def two_groups():
    one, other = (nn.Parameter(np.zeros(1)) for _ in range(2))
    return optim.SGD([{"params": [one]}, {"params": [other], "lr": 0.4}], lr=0.1)


each_optimizer = pytest.mark.parametrize(
    "number", range(len(OPTIMIZERS)), ids=lambda i: f"{OPTIMIZERS[i][0]}{i}"
)


@each_optimizer
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_a_hundred_steps_are_pytorchs(number, dtype, tolerance, expected):
    name, settings = OPTIMIZERS[number]
    params = parameters(dtype)
    optimizer = made(name, settings, params)
    kept = run(optimizer, lambda: [p.data for p in params], lambda gs: assign(params, gs))
    wanted = expected[f"{name}{number}_{64 if dtype is np.float64 else 32}"]
    np.testing.assert_allclose(kept, wanted, rtol=tolerance, atol=tolerance)


@each_optimizer
def test_a_loaded_state_goes_on_with_the_same_bits(number):
    name, settings = OPTIMIZERS[number]
    params = parameters()
    optimizer = made(name, settings, params)
    walked(optimizer, params, 1, 8)
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    others = [nn.Parameter(p.data.copy()) for p in params]
    other = made(name, {**settings, "lr": 7.0}, others)
    other.load_state_dict(saved)
    assert [g["lr"] for g in other.param_groups] == [g["lr"] for g in optimizer.param_groups]
    one, two = (walked(o, ps, 8, 12) for o, ps in ((optimizer, params), (other, others)))
    np.testing.assert_array_equal(one, two)


def test_state_dicts_have_pytorchs_structure():
    params = parameters()
    optimizer = made("Adam", {"amsgrad": True}, params)
    walked(optimizer, params, 1, 3)
    state = optimizer.state_dict()
    assert [g["params"] for g in state["param_groups"]] == [[0, 1], [2, 3]]
    assert state["param_groups"][1]["betas"] == (0.9, 0.999)
    assert set(state["state"]) == {0, 1, 2, 3}
    names = {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}
    assert all(set(own) == names and own["step"] == 2 for own in state["state"].values())
    before = copy.deepcopy(state)
    walked(optimizer, params, 3, 4)
    np.testing.assert_equal(state, before)  # copies


def test_state_dicts_that_do_not_fit_are_refused():
    params = parameters()
    optimizer = made("SGD", {"momentum": 0.9}, params)
    walked(optimizer, params, 1, 2)
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"SGD.load_state_dict: .*\[2, 2\].*\[4\]"):
        optim.SGD(params, momentum=0.9).load_state_dict(state)
    state["state"][1]["momentum_buffer"] = np.zeros((5, 5))
    with pytest.raises(ValueError, match=r"momentum_buffer has shape \(5, 5\) .*\(4,\)"):
        optimizer.load_state_dict(state)


def test_parameters_may_have_gradients_at_different_times():
    """Each one's bias correction counts its own steps."""
    together = parameters()
    optimizer = optim.NAdam(together)
    alone = parameters()
    single = [optim.NAdam([p]) for p in alone]
    for step in range(1, 7):
        grads = gradients([p.data for p in together], step)
        assign(together, grads)
        assign(alone, grads)
        for i, (p, q) in enumerate(zip(together, alone, strict=True)):
            if (step + i) % 3 == 0:
                p.grad = q.grad = None
        optimizer.step()
        for one in single:
            one.step()
    for p, q in zip(together, alone, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_both_dtypes_in_one_group():
    params = [nn.Parameter(np.ones(3, d)) for d in (np.float32, np.float64, np.float32)]
    assign(params, [np.ones(3)] * 3)
    optim.Adam(params, lr=0.5).step()
    for p in params:
        np.testing.assert_allclose(p.data, 0.5, rtol=1e-6)


def test_groups_of_their_own_settings():
    a, b, c, d = (nn.Parameter(np.ones(2)) for _ in range(4))
    optimizer = optim.SGD([{"params": [a]}, {"params": (p for p in [b, c]), "lr": 1.0}], lr=0.5)
    optimizer.add_param_group({"params": [d], "lr": 0.25})
    assign([a, b, d], [np.ones(2)] * 3)
    optimizer.step()
    assert [p.data[0] for p in (a, b, c, d)] == [0.5, 0.0, 1.0, 0.75]
    optimizer.zero_grad(set_to_none=False)
    assert not a.grad.data.any() and c.grad is None
    optimizer.zero_grad()
    assert a.grad is None


@pytest.mark.parametrize(
    "params, settings, error, says",
    [
        ([], {}, ValueError, "no parameters"),
        (nn.Parameter(np.ones(2)), {}, TypeError, "one tensor; give a list"),
        ([np.ones(2)], {}, TypeError, "parameters are tensors"),
        ([nn.Parameter(np.ones(2)) * 2], {}, ValueError, "only leaves"),
        ([nn.Parameter(np.ones(2))] * 2, {}, ValueError, "given twice"),
        ([nn.Parameter(np.ones(2))], {"lr": -1.0}, ValueError, "lr is -1"),
        ([nn.Parameter(np.ones(2))], {"betas": (0.9, 1.0)}, ValueError, "betas"),
        ([{"params": [nn.Parameter(np.ones(2))], "eps": -1.0}], {}, ValueError, "eps is -1"),
    ],
)
def test_wrong_parameters_and_settings_are_refused_at_once(params, settings, error, says):
    with pytest.raises(error, match=says):
        optim.Adam(params, **settings)


def test_nesterov_needs_momentum_without_dampening():
    for settings in ({"momentum": 0.0}, {"momentum": 0.9, "dampening": 0.1}):
        with pytest.raises(ValueError, match="nesterov needs"):
            optim.SGD(parameters(), nesterov=True, **settings)


def test_a_closure_computes_loss_and_gradients():
    p = nn.Parameter(np.array([3.0]))
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0 and p.data[0] == 1.5


def test_the_tape_notices_a_step():
    p = nn.Parameter(np.array([3.0]))
    loss = (p * p).sum()
    p.grad = Tensor(np.ones(1))
    optim.SGD([p], lr=0.25).step()
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()


def test_amsgrad_by_name_and_nadam_by_both():
    assert optim.AMSGrad(parameters()).param_groups[0]["amsgrad"] is True
    assert optim.Nadam is optim.NAdam


# ---- schedules


@pytest.mark.parametrize("number", range(len(SCHEDULES)))
def test_schedules_are_pytorchs(number, expected):
    found = schedule(two_groups(), lr_scheduler, SCHEDULES[number])
    np.testing.assert_allclose(found, expected[f"schedule{number}"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("number", range(len(PLATEAUS)))
def test_plateaus_are_pytorchs(number, expected):
    found = plateau(two_groups(), lr_scheduler, PLATEAUS[number])
    np.testing.assert_allclose(found, expected[f"plateau{number}"], rtol=1e-12)


ALONE = [chosen[0] for chosen in SCHEDULES if len(chosen) == 1 and chosen[0][0] != "LambdaLR"]


@pytest.mark.parametrize("name, settings", ALONE)
def test_schedules_follow_their_formula_and_resume(name, settings):
    optimizer = two_groups()
    one = getattr(lr_scheduler, name)(optimizer, **settings)
    for t in range(20):
        groups = optimizer.param_groups
        wanted = [one.rate(t, g, g["initial_lr"]) for g in groups]
        np.testing.assert_allclose([g["lr"] for g in groups], wanted, rtol=1e-12, atol=1e-15)
        assert one.get_last_lr() == [g["lr"] for g in groups]
        if t == 9:
            resumed = two_groups()
            other = getattr(lr_scheduler, name)(resumed, **settings)
            resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            other.load_state_dict(pickle.loads(pickle.dumps(one.state_dict())))
        if t >= 9:
            other.step()
        optimizer.step()
        one.step()
        if t >= 9:
            assert resumed.param_groups[1]["lr"] == groups[1]["lr"]


def test_a_sequence_resumes():
    def sequence(optimizer):
        parts = [lr_scheduler.LinearLR(optimizer), lr_scheduler.CosineAnnealingLR(optimizer, 9)]
        return lr_scheduler.SequentialLR(optimizer, parts, [5])

    one, other = two_groups(), two_groups()
    first, second = sequence(one), sequence(other)
    for _ in range(7):
        first.step()
    other.load_state_dict(one.state_dict())
    second.load_state_dict(first.state_dict())
    for _ in range(5):
        first.step()
        second.step()
        assert first.get_last_lr() == second.get_last_lr()


def test_schedules_refuse_what_cannot_be():
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(two_groups(), 3, last_epoch=4)
    with pytest.raises(ValueError, match="3 entries for 2 groups"):
        lr_scheduler.OneCycleLR(two_groups(), [1.0, 2.0, 3.0], total_steps=3)
    with pytest.raises(ValueError, match="cycle_momentum=False"):
        lr_scheduler.OneCycleLR(optim.Adagrad(parameters()), 1.0, total_steps=3)
    cycle = lr_scheduler.OneCycleLR(two_groups(), 1.0, total_steps=3)
    with pytest.raises(ValueError, match="of 3 steps"):
        for _ in range(4):
            cycle.step()
    with pytest.raises(ValueError, match="milestones"):
        lr_scheduler.SequentialLR(two_groups(), [cycle], [1])
    with pytest.raises(ValueError, match="StepLR: step_size must be positive, not 0"):
        lr_scheduler.StepLR(two_groups(), 0)
    with pytest.raises(ValueError, match="CosineAnnealingLR: T_max must be positive, not 0"):
        lr_scheduler.CosineAnnealingLR(two_groups(), 0)


# ---- clipping


@pytest.mark.parametrize("number", range(len(CLIPS)))
def test_clipping_by_norm_is_pytorchs(number, expected):
    params = parameters()
    assign(params, gradients(start(), 0))
    places = [p.grad.data for p in params]
    norm = utils.clip_grad_norm_(params, *CLIPS[number])
    found = np.concatenate([[norm], *(p.grad.data.ravel() for p in params)])
    np.testing.assert_allclose(found, expected[f"clip{number}"], rtol=1e-12)
    assert all(p.grad.data is place for p, place in zip(params, places, strict=True))


def test_clipping_by_norm_of_both_dtypes_and_no_gradient():
    params = [nn.Parameter(np.ones(1, d)) for d in (np.float32, np.float64, np.float32)]
    params[0].grad = Tensor(np.array([3.0], np.float32))
    params[1].grad = Tensor(np.array([4.0]))
    assert utils.clip_grad_norm_(params, 2.5) == 5.0
    np.testing.assert_allclose([p.grad.data[0] for p in params[:2]], [1.5, 2.0], rtol=1e-6)
    assert utils.clip_grad_norm_(params[2], 1.0) == 0.0


def test_a_norm_that_is_not_finite():
    p = nn.Parameter(np.ones(2))
    p.grad = Tensor(np.array([np.nan, 1.0]))
    with pytest.raises(RuntimeError, match=r"norm of order 2\.0 is nan"):
        utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert p.grad.data[1] == 1.0
    assert np.isnan(utils.clip_grad_norm_([p], 1.0)) and np.isnan(p.grad.data).all()


def test_clipping_by_value():
    p = nn.Parameter(np.zeros(3))
    p.grad = Tensor(np.array([-3.0, 0.25, 2.0]))
    utils.clip_grad_value_([p], 0.5)
    np.testing.assert_array_equal(p.grad.data, [-0.5, 0.25, 0.5])


# ---- averages


def test_averages_of_weights_and_buffers():
    model = nn.BatchNorm1d(3)
    model.weight.data[:] = 1.0
    ema = optim.EMA(model, decay=0.75)
    for weight, mean, count in ((2.0, 4.0, 1), (4.0, 8.0, 2)):
        model.weight.data[:] = weight
        model.running_mean.data[:] = mean
        model.num_batches_tracked.data[...] = count
        ema.update()
    with ema.applied():
        assert model.weight.data[0] == 0.75 * 2 + 0.25 * 4
        assert model.running_mean.data[0] == 0.75 * 4 + 0.25 * 8
        assert model.num_batches_tracked.data == 2
        with pytest.raises(RuntimeError, match="restore"):
            ema.update()
    assert model.weight.data[0] == 4.0 and model.running_mean.data[0] == 8.0
    other = optim.EMA(nn.BatchNorm1d(3), decay=0.75)
    other.load_state_dict(ema.state_dict())
    np.testing.assert_equal(other.state_dict(), ema.state_dict())
    with pytest.raises(ValueError, match=r"EMA.load_state_dict: shapes"):
        optim.EMA(nn.BatchNorm1d(4)).load_state_dict(ema.state_dict())


def test_averages_come_off_when_evaluation_fails():
    p = nn.Parameter(np.ones(2))
    ema = optim.EMA([p])
    p.data[:] = 3.0
    with pytest.raises(KeyError), ema.applied():
        raise KeyError
    assert p.data[0] == 3.0
    with pytest.raises(ValueError, match="decay is 2"):
        optim.EMA([p], decay=2.0)


def test_pytorch_still_says_the_stored_numbers(expected):
    pytest.importorskip("torch")
    import make_optim

    for i, settings in enumerate(CLIPS):
        np.testing.assert_allclose(expected[f"clip{i}"], make_optim.clipped(*settings))
