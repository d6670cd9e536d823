"""scikit-learn's own checks, pipelines and searches on the estimators."""

import pickle

import numpy as np
import pytest

from test_import import python

pytest.importorskip("sklearn")


from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import tatami
from tatami import nn, optim
from tatami.sklearn import TatamiClassifier, TatamiRegressor

QUICK = {"hidden": (16,), "lr": 0.02, "epochs": 15, "batch_size": 16, "random_state": 0}


@parametrize_with_checks([TatamiClassifier(**QUICK), TatamiRegressor(**QUICK)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_pipelines_and_searches():
    x, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), TatamiClassifier(**QUICK))
    search = GridSearchCV(pipeline, {"tatamiclassifier__lr": [1e-5, 0.02]}, cv=3)
    search.fit(x, np.array(["a", "b", "c"])[y])
    assert search.best_params_ == {"tatamiclassifier__lr": 0.02} and search.best_score_ > 0.9
    assert set(search.predict(x)) == {"a", "b", "c"}
    x, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    scores = cross_val_score(make_pipeline(StandardScaler(), TatamiRegressor(**QUICK)), x, y, cv=3)
    assert scores.mean() > 0.3


def test_a_network_of_ones_own():
    x, y = load_iris(return_X_y=True)

    def build(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs))

    model = TatamiClassifier(build, optimizer=optim.SGD, lr=0.1, epochs=30, random_state=1)
    assert model.fit(x, y).score(x, y) > 0.9
    assert isinstance(model.model_[1], nn.Tanh) and len(model.history_["loss"]) == 30
    assert type(model.model_.compiled.optimizer) is optim.SGD


def test_the_random_state_fixes_everything_and_leaves_the_global_one_alone():
    x, y = load_iris(return_X_y=True)
    settings = {**QUICK, "dropout": 0.2}
    first = TatamiClassifier(**settings).fit(x, y).predict_proba(x)
    tatami.manual_seed(3)
    expected = tatami.random.seed()
    tatami.manual_seed(3)
    np.testing.assert_array_equal(first, TatamiClassifier(**settings).fit(x, y).predict_proba(x))
    assert tatami.random.seed() == expected
    model = TatamiClassifier(**settings).fit(x, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(x), first)


def test_scikit_learn_missing():
    code = "import sys; sys.modules['sklearn'] = None; import tatami.sklearn"
    assert python(code).endswith('scikit-learn is missing: pip install "tatami[sklearn]"')
