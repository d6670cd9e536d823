"""How made things are judged, against closed forms and slow sums."""

import numpy as np
import pytest

import tatami
from tatami import metrics, models, nn


def rows(n, mean, root, seed=0):
    return np.random.default_rng(seed).standard_normal((n, len(mean))) @ root + mean


def test_psnr():
    x = np.zeros((2, 1, 3, 3), np.float32)
    assert metrics.psnr(x, x + 0.1) == pytest.approx(20, rel=1e-5)
    assert metrics.psnr(255 * x, 255 * (x + 0.1), 255) == pytest.approx(20, rel=1e-5)
    assert metrics.psnr(x, x) == np.inf
    with pytest.raises(ValueError, match=r"psnr: both must have one shape.*\(2, 1, 3, 3\)"):
        metrics.psnr(x, x[:1])
    with pytest.raises(ValueError, match="psnr: both must have one shape and an element"):
        metrics.psnr(x[:0], x[:0])


def test_elbo():
    assert metrics.elbo([-3.0, -5.0], [1.0, 2.0]) == -5.5


def test_frechet_distance_is_that_of_the_fitted_gaussians():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 4)), rng.standard_normal((70, 4)) @ rng.random((4, 4)) + 0.3
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(x, x + np.array([3, 0, 4, 0])) == pytest.approx(25)
    assert metrics.frechet_distance(x, y) == pytest.approx(metrics.frechet_distance(y, x))
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(cx @ cy).astype(complex)).real.sum()
    apart = np.sum((x.mean(0) - y.mean(0)) ** 2)
    expected = apart + np.trace(cx) + np.trace(cy) - 2 * roots
    assert metrics.frechet_distance(x, y) == pytest.approx(expected)
    one = metrics.frechet_distance(x[:, :1], 3 * x[:, :1])
    spread = x[:, 0].std(ddof=1)
    assert one == pytest.approx((2 * x[:, 0].mean()) ** 2 + (2 * spread) ** 2)
    flat = np.repeat(x[:, :1], 4, axis=1)  # a covariance of rank 1
    assert metrics.frechet_distance(flat, flat) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match=r"\(50, 4\) and \(70, 3\)"):
        metrics.frechet_distance(x, y[:, :3])


def test_classifier_score_lies_between_one_and_the_number_of_classes():
    assert metrics.classifier_score(np.eye(7)) == pytest.approx(7)
    assert metrics.classifier_score(np.full((5, 7), 1 / 7)) == pytest.approx(1)
    assert metrics.classifier_score(np.eye(7)[[2, 2, 2]]) == pytest.approx(1), "one class alone"
    p = np.random.default_rng(0).dirichlet(np.ones(4), 30)
    divergences = [sum(a * np.log(a / b) for a, b in zip(row, p.mean(0))) for row in p]
    assert metrics.classifier_score(p) == pytest.approx(np.exp(np.mean(divergences)))
    for wrong in (p - 0.5, 2 * p, np.log(p), np.full((2, 3), np.nan)):
        with pytest.raises(ValueError, match="each row must hold probabilities"):
            metrics.classifier_score(wrong)


def test_precision_and_recall_of_samples():
    real = rows(200, [0, 0], np.eye(2))
    assert metrics.precision_recall(real, real) == (1, 1)
    assert metrics.precision_recall(real, real + 100) == (0, 0)
    precision, recall = metrics.precision_recall(real, rows(200, [0, 0], 0.05 * np.eye(2), 1))
    assert precision == 1 and recall < 0.1, "collapsed to the middle"
    precision, recall = metrics.precision_recall(real, rows(200, [0, 0], 9 * np.eye(2), 1))
    assert precision < 0.3 and recall > 0.9, "all over the place"
    a, b = rows(12, [0, 0], np.eye(2), 2), rows(9, [0.5, 0], np.eye(2), 3)
    far = [np.sort(np.linalg.norm(a - row, axis=1))[2] for row in a]
    inside = [any(np.linalg.norm(row - a[i]) <= far[i] for i in range(12)) for row in b]
    assert metrics.precision_recall(a, b, k=2)[0] == pytest.approx(np.mean(inside))
    with pytest.raises(ValueError, match="k=3 neighbours need more rows"):
        metrics.precision_recall(a[:3], b)
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        metrics.precision_recall(a, b, k=0)


@pytest.mark.parametrize("measure", [metrics.frechet_distance, metrics.precision_recall])
def test_features_that_say_nothing_are_refused(measure):
    x = np.ones((9, 2))
    with pytest.raises(ValueError, match=r"features must be .* \(9, 0\)"):
        measure(x[:, :0], x[:, :0])
    with pytest.raises(ValueError, match="hold NaN or infinite values"):
        measure(np.where(np.eye(9, 2), np.nan, x), x)


@pytest.mark.parametrize("halvings", [1, 2])
def test_the_classifier_that_judges(halvings):
    tatami.manual_seed(0)
    eye = models.Classifier(channels=3, classes=4, width=4, halvings=halvings)
    x = np.random.default_rng(0).random((300, 3, 10, 6)).astype(np.float32)
    p, features = eye.probabilities(x), eye.features(x)
    assert p.shape == (300, 4) and features.shape == (300, 16)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(eye.features(x), features)
    assert eye.training, "as before"
    again = nn.from_config(nn.to_config(eye))
    again.load_state_dict(eye.state_dict())
    np.testing.assert_array_equal(again.features(x), features)


def test_evaluating_gives_every_layer_its_mode_back():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm2d(2)))
    model[1].eval()
    with pytest.raises(ZeroDivisionError), nn.evaluating(model):
        assert not any(m.training for m in model.modules())
        raise ZeroDivisionError
    assert model.training and model[0].training
    assert not model[1].training and not model[1][0].training
