"""Metrics against scikit-learn: whole arrays, batch by batch, and after a state was saved."""

import numpy as np
import pytest

from tatami import metrics

sk = pytest.importorskip("sklearn.metrics")


def rows(n=203, classes=5, seed=0):
    """Scores with ties, and targets that they partly foretell."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    scores = rng.integers(0, 6, (n, classes)) / 4 + (np.eye(classes)[y] * 0.5)
    return y, scores.astype(np.float32)


def streamed(metric, y_true, y_pred, size=40):
    """The result over uneven batches, saved and loaded into a new object half-way."""
    for start in range(0, len(y_true), size):
        metric.update(y_true[start : start + size], y_pred[start : start + size])
        state = metric.state_dict()
        metric.reset()
        metric.load_state_dict(state)
    return metric.result()


def test_accuracy_and_confusion_matrix():
    y, scores = rows()
    guesses = scores.argmax(axis=1)
    expected = sk.accuracy_score(y, guesses)
    for targets in (y, y[:, None], np.eye(5)[y]):
        if targets.ndim == 1 or targets.shape == scores.shape:
            assert metrics.accuracy(targets, scores) == expected
    assert metrics.accuracy(y, guesses) == expected
    assert streamed(metrics.Accuracy(), y, scores) == expected
    matrix = sk.confusion_matrix(y, guesses)
    np.testing.assert_array_equal(metrics.confusion_matrix(y, guesses), matrix)
    np.testing.assert_array_equal(streamed(metrics.ConfusionMatrix(), y, scores), matrix)


def test_the_confusion_matrix_grows_with_the_classes():
    metric = metrics.ConfusionMatrix()
    metric.update([0], [1])
    metric.update([3], [0])
    np.testing.assert_array_equal(
        metric.result(), sk.confusion_matrix([0, 3], [1, 0], labels=range(4))
    )
    assert metrics.confusion_matrix([0], [0], num_classes=3).shape == (3, 3)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k(k):
    y, scores = rows()
    expected = sk.top_k_accuracy_score(y, scores, k=k, labels=range(5))
    assert metrics.top_k_accuracy(y, scores, k=k) == expected
    assert streamed(metrics.TopKAccuracy(k), y, scores) == expected


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", None])
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_precision_recall_f1_of_many_classes(name, average):
    y, scores = rows()
    guesses = np.where(scores.argmax(axis=1) == 2, 0, scores.argmax(axis=1))  # never class 2
    theirs = getattr(sk, f"{name}_score")(y, guesses, average=average, zero_division=0)
    ours = getattr(metrics, name)(y, guesses, average=average)
    np.testing.assert_allclose(ours, theirs, rtol=1e-15)
    metric = {"precision": metrics.Precision, "recall": metrics.Recall, "f1": metrics.F1}[name]
    np.testing.assert_allclose(streamed(metric(average), y, guesses), theirs, rtol=1e-15)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_precision_recall_f1_of_two_classes(name):
    rng = np.random.default_rng(1)
    y, scores = rng.integers(0, 2, 90), rng.random((90, 1))
    theirs = getattr(sk, f"{name}_score")(y, scores[:, 0] > 0.3)
    assert getattr(metrics, name)(y, scores, threshold=0.3) == pytest.approx(theirs, rel=1e-15)
    assert getattr(metrics, name)([0, 0], [0, 0]) == 0.0
    with pytest.raises(ValueError, match=f'{name}: 3 classes need an average: "micro"'):
        getattr(metrics, name)([0, 1, 2], [0, 1, 1])


def test_auc_is_exact_with_ties():
    y, scores = rows(500, 2)
    expected = sk.roc_auc_score(y, scores[:, 1])
    assert metrics.auc(y, scores[:, 1]) == pytest.approx(expected, rel=1e-15)
    assert streamed(metrics.AUC(), y, scores[:, 1:]) == pytest.approx(expected, rel=1e-15)
    both = sk.roc_auc_score(y, scores[:, 1] - scores[:, 0])
    assert metrics.auc(y, scores) == pytest.approx(both, rel=1e-15)
    y, scores = rows(300, 4)
    shares = scores / scores.sum(axis=1, keepdims=True)
    expected = sk.roc_auc_score(y, shares, multi_class="ovr")
    assert metrics.auc(y, shares) == pytest.approx(expected, rel=1e-15)
    assert np.isnan(metrics.auc([1, 1], [0.2, 0.3])) and np.isnan(metrics.AUC().result())


def test_regression():
    rng = np.random.default_rng(2)
    y, guess = rng.standard_normal((2, 101, 3)) + 1000
    y[:, 2] = 7
    for name, theirs in (
        ("mse", sk.mean_squared_error),
        ("mae", sk.mean_absolute_error),
        ("r2", sk.r2_score),
    ):
        ours, object_ = getattr(metrics, name), getattr(metrics, name.upper())
        for columns in (slice(0, 2), slice(2, 3), 0):
            expected = theirs(y[:, columns], guess[:, columns])
            assert ours(y[:, columns], guess[:, columns]) == pytest.approx(expected, rel=1e-9)
            result = streamed(object_(), y[:, columns], guess[:, columns])
            assert result == pytest.approx(expected, rel=1e-9)
        assert ours(y[:, 0], guess[:, :1]) == ours(y[:, 0], guess[:, 0]), "(N,) with (N, 1)"
        with pytest.raises(ValueError, match=rf"{name}: y_true has shape \(101, 3\) but"):
            ours(y, guess[:, 0])


def test_what_cannot_be_compared_is_an_error_with_both_shapes():
    with pytest.raises(ValueError, match=r"accuracy: y_true has shape \(3,\).*shape \(4,\)"):
        metrics.accuracy([0, 1, 2], [0, 1, 2, 3])
    with pytest.raises(ValueError, match="count from 0"):
        metrics.confusion_matrix([0, 1], [-1, 1])
    with pytest.raises(ValueError, match=r"scores \(N, classes\)"):
        metrics.top_k_accuracy([0], [1])
    with pytest.raises(ValueError, match="auc: y_true has shape"):
        metrics.auc([0, 1], [0.5])
    with pytest.raises(ValueError, match="average must be one of"):
        metrics.F1("median")


def test_top_k_and_auc_of_no_rows_and_of_too_few():
    for empty in (metrics.auc, metrics.top_k_accuracy):
        assert np.isnan(empty(np.zeros(0, int), np.zeros((0, 3))))
    with pytest.raises(ValueError, match=r"top_k_accuracy: 4 classes in y_true .*\(3, 3\)"):
        metrics.top_k_accuracy(np.zeros(4, int), np.zeros((3, 3)))


def test_targets_below_zero_are_left_out():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.8, 0.2]])
    assert metrics.top_k_accuracy([1, -1, 1], scores, k=1) == 0.5
    with pytest.raises(ValueError, match="top_k_accuracy: y_true holds 2 but y_pred has 2"):
        metrics.top_k_accuracy([1, 0, 2], scores)
    assert metrics.accuracy([0, -100, 1], [[1.0, 0], [0, 1], [1, 0]]) == 0.5


def test_scores_over_further_axes():
    y, scores = rows(60, 3)
    y, scores = y.reshape(6, 10), scores.reshape(6, 10, 3).swapaxes(1, 2)
    assert metrics.accuracy(y, scores) == (scores.argmax(axis=1) == y).mean()


def test_names():
    assert metrics.get("top_3_accuracy").k == 3
    assert metrics.get("f1_macro").average == "macro" and metrics.get("f1_macro").name == "f1_macro"
    assert metrics.get("accuracy", threshold=0.0).threshold == 0.0
    assert metrics.get("acc").name == "acc" and metrics.get("auc").name == "auc"
    assert metrics.get(metrics.Precision).name == "precision"
    metric = metrics.get(lambda y_true, y_pred: abs(y_true - y_pred).mean())
    assert streamed(metric, np.arange(5.0), np.zeros(5), 2) == 2.0
    for name in metrics.names():
        assert metrics.get(name).name == name or name == "top_k_accuracy"
    with pytest.raises(
        ValueError, match="metric 'acuracy' is not known; give one of acc, accuracy"
    ):
        metrics.get("acuracy")
