"""Models that take their own steps: several optimizers, several losses, one fit."""

import numpy as np
import pytest

import tatami
from learning import assert_same_weights
from tatami import Tensor, nn, optim
from tatami.training import callbacks
from tatami.training.optimizers import made


class Pair(nn.Module):
    """A guess that chases points, and a critic of the guess."""

    def __init__(self):
        self.guess = nn.Linear(2, 2)
        self.critic = nn.Linear(2, 1)

    def terms(self, x):
        far = ((self.guess(x) - x) ** 2).mean()
        return far, self.critic(self.guess(x)).mean()

    def train_step(self, optimizer, x, y=None):
        far, score = self.terms(x)
        optimizer["guess"].minimize(far)
        optimizer["critic"].minimize(score**2)
        return {"far": far, "score": score}

    def test_step(self, x, y=None):
        far, _ = self.terms(x)
        return {"loss": far}


def pair(optimizer=None):
    tatami.manual_seed(0)
    model = Pair()
    model.compile(optimizer or {"guess": "adam", "critic": "sgd"})
    return model


def points(n=24):
    return np.random.default_rng(0).standard_normal((n, 2)).astype(np.float32)


def test_minimize_steps_down_from_one_loss_alone():
    a = Tensor(np.float32([3.0]), requires_grad=True)
    b = Tensor(np.float32([5.0]), requires_grad=True)
    unused = Tensor(np.float32([7.0]), requires_grad=True)
    frozen = Tensor(np.float32([9.0]))
    b.grad = Tensor(np.float32([100.0]))
    optim.SGD([a, unused, frozen], lr=0.5).minimize((a * a * b).sum())
    assert a.item() == 3 - 0.5 * 2 * 3 * 5
    assert b.item() == 5 and b.grad.item() == 100, "not its parameter"
    assert unused.item() == 7 and frozen.item() == 9
    with pytest.raises(ValueError, match=r"SGD\.minimize: loss depends on none"):
        optim.SGD([a, unused], lr=0.5).minimize((b * b).sum())


@pytest.mark.parametrize("loss", [2.0, Tensor(np.float32(2)), Tensor(np.ones(3), True)])
def test_minimize_wants_one_number_made_of_parameters(loss):
    optimizer = optim.SGD([Tensor(np.ones(3), requires_grad=True)], lr=0.5)
    with pytest.raises(ValueError, match=r"SGD\.minimize: loss must be a tensor of one element"):
        optimizer.minimize(loss)


def test_fit_shows_the_means_of_what_the_steps_return():
    model = pair({"guess": partial_sgd(0.0), "critic": partial_sgd(0.0)})
    x = points(20)
    history = model.fit(x, batch_size=8, epochs=2, verbose=0, validation_split=0.2).history
    assert list(history) == ["far", "score", "val_loss"]
    far, score = (float(t.data) for t in model.terms(Tensor(x[:16])))
    np.testing.assert_allclose(history["far"], far, rtol=1e-6)
    np.testing.assert_allclose(history["score"], score, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(x[16:]), history["val_loss"][-1], rtol=1e-6)


def partial_sgd(lr):
    return lambda params: optim.SGD(params, lr=lr)


def test_each_part_has_its_optimizer():
    model = pair()
    model.fit(points(), epochs=3, verbose=0)
    optimizers = model.compiled.optimizer
    assert isinstance(optimizers["guess"], optim.Adam)
    assert isinstance(optimizers["critic"], optim.SGD)
    assert len(optimizers.param_groups) == 2
    with pytest.raises(ValueError, match="no part 'judge' to optimize, only guess, critic"):
        pair({"judge": "adam"}).fit(points(), verbose=0)
    with pytest.raises(ValueError, match="'adamant' is not known"):
        pair({"guess": "adamant"})


def test_batches_come_with_and_without_targets_from_arrays_and_loaders():
    seen = []

    class Looks(Pair):
        def train_step(self, optimizer, x, y=None):
            seen.append((x.shape, None if y is None else (y.shape, y.dtype)))
            return {"nothing": 0.0}

    model = Looks()
    model.compile({"guess": "adam"})
    x, labels, targets = points(4), np.arange(4), points(4).astype(np.float64)
    for y in (None, labels, targets):
        model.fit(x, y, batch_size=4, verbose=0)
    model.fit([x], verbose=0)  # a loader of one batch
    model.fit([(x,), (x, labels)], verbose=0)
    plain = ((4, 2), None)
    assert seen == [
        plain,
        ((4, 2), ((4,), np.int64)),
        ((4, 2), ((4, 2), np.float32)),
        ((1, 4, 2), None),
        plain,
        ((4, 2), ((4,), np.int64)),
    ]


def test_a_resumed_run_ends_with_the_same_bits(tmp_path):
    path = tmp_path / "{epoch}.safetensors"
    whole, cut, rest = pair(), pair(), pair()
    settings = {"batch_size": 7, "verbose": 0, "callbacks": [callbacks.ModelCheckpoint(path)]}
    tatami.manual_seed(1)
    history = whole.fit(points(), epochs=4, **settings)
    tatami.manual_seed(1)
    cut.fit(points(), epochs=2, **settings)
    tatami.manual_seed(9)
    resumed = rest.fit(points(), epochs=4, resume=tmp_path / "2.safetensors", **settings)
    assert_same_weights(whole, rest)
    assert resumed.history == history.history


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match=r"Pair has a train_step.*optimizers alone"):
        Pair().compile("adam", "mse")
    with pytest.raises(ValueError, match="takes no weights of rows"):
        pair().fit(points(), sample_weight=np.ones(24), verbose=0)
    with pytest.raises(ValueError, match=r"class_weight: a model with its own train_step"):
        pair().fit(points(), class_weight={0: 2.0}, verbose=0)
    plain = nn.Linear(2, 2)
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match="y is missing"):
        plain.fit(points(), verbose=0)
    both = made({"guess": "adam", "critic": "adam"}, Pair())
    one = made({"guess": "adam"}, Pair())
    with pytest.raises(ValueError, match="optimizers of guess, critic were saved, here are"):
        one.load_state_dict(both.state_dict())


@pytest.mark.parametrize("returned", [3.0, None, {"loss": np.ones(3)}])
def test_a_step_returns_numbers_by_name(returned):
    model = pair()
    model.train_step = lambda optimizer, x: returned
    with pytest.raises(TypeError, match=r"Pair\.train_step must return numbers by name"):
        model.fit(points(), verbose=0)


def test_evaluate_needs_a_test_step():
    class Blind(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

        def train_step(self, optimizer, x):
            optimizer.minimize(self.layer(x).mean())
            return {}

    model = Blind()
    model.compile("sgd")
    model.fit(points(), verbose=0)
    with pytest.raises(ValueError, match="Blind has no test_step"):
        model.evaluate(points())
