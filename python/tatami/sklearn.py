"""Networks as scikit-learn estimators, for its pipelines, cross-validation and searches.

Needs scikit-learn: ``pip install "tatami[sklearn]"``.
"""

from functools import partial

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data
except ImportError:
    raise ImportError(
        'tatami.sklearn: scikit-learn is missing: pip install "tatami[sklearn]"'
    ) from None

from . import functional as F
from . import nn, random, training
from .training.optimizers import optimizer_maker

__all__ = ["TatamiClassifier", "TatamiRegressor", "mlp"]

FLOATS = [np.float64, np.float32]  # what X is converted to, unless it is one of them


def mlp(inputs, outputs, hidden=(100,), dropout=0.0):
    """A multi-layer perceptron: after each of the ``hidden`` layers ReLU and dropout."""
    layers = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class _Network(BaseEstimator):
    """Making, training and asking the network of an estimator."""

    def __init__(
        self,
        build=None,
        *,
        hidden=(100,),
        dropout=0.0,
        optimizer="adam",
        lr=None,
        weight_decay=None,
        loss=None,
        batch_size=32,
        epochs=100,
        validation_split=0.0,
        callbacks=None,
        verbose=0,
        random_state=None,
    ):
        self.build = build
        self.hidden = hidden
        self.dropout = dropout
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.loss = loss
        self.batch_size = batch_size
        self.epochs = epochs
        self.validation_split = validation_split
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _train(self, X, target, outputs, loss):
        """A new network, fitted; the global random numbers go on as if nothing had happened."""
        before = random.get_state()
        random.manual_seed(int(check_random_state(self.random_state).randint(1 << 31)))
        try:
            if self.build is not None:
                self.model_ = self.build(X.shape[1], outputs)
            else:
                self.model_ = mlp(X.shape[1], outputs, self.hidden, self.dropout)
            training.compile(self.model_, self._optimizer(), self.loss or loss)
            run = training.fit(
                self.model_,
                X,
                target,
                self.batch_size,
                self.epochs,
                verbose=self.verbose,
                callbacks=self.callbacks or (),
                validation_split=self.validation_split,
            )
        finally:
            random.set_state(before)
        self.history_ = run.history
        return self

    def _optimizer(self):
        given = {"lr": self.lr, "weight_decay": self.weight_decay}
        settings = {name: value for name, value in given.items() if value is not None}
        return partial(optimizer_maker(self.optimizer), **settings)

    def _outputs(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        return training.predict(self.model_, X, batch_size=1024).astype(np.float64)


_parameters = """

    Parameters
    ----------
    build : function (inputs, outputs) -> network, or None
        By default :func:`mlp` with the widths ``hidden`` and ``dropout``.
    optimizer, lr, weight_decay
        Its name, or a function of the parameters that makes one; None is its own default.
    loss
        As in :func:`tatami.training.compile`; by default {loss}.
    batch_size, epochs, validation_split, callbacks, verbose
        As in :func:`tatami.training.fit`.
    random_state
        Fixes initial weights, dropout and the order of the rows.

    After ``fit``: ``model_``, ``history_`` (name -> values by epoch){more}.
    """


class TatamiClassifier(ClassifierMixin, _Network):
    __doc__ = "A network that tells classes." + _parameters.format(
        loss='"cross_entropy"', more=", ``classes_``"
    )

    def fit(self, X, y):
        """Learn from rows ``X`` (N, features) and their classes ``y`` (N,), any labels."""
        X, y = validate_data(self, X, y, dtype=FLOATS)
        check_classification_targets(y)
        self.classes_, target = np.unique(y, return_inverse=True)
        return self._train(X, target, len(self.classes_), "cross_entropy")

    def predict_proba(self, X):
        """Probabilities (N, classes), in the order of ``classes_``."""
        return F.softmax(self._outputs(X), axis=1)

    def predict(self, X):
        """The most likely class of every row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


class TatamiRegressor(RegressorMixin, _Network):
    __doc__ = "A network that gives numbers." + _parameters.format(loss='"mse"', more="")

    def fit(self, X, y):
        """Learn from rows ``X`` (N, features) and their numbers ``y`` (N,) or (N, outputs)."""
        X, y = validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True)
        self.outputs_ = y.shape[1:]
        target = y.reshape(len(y), -1).astype(np.float64)
        return self._train(X, target, target.shape[1], "mse")

    def predict(self, X):
        """The numbers (N,) or (N, outputs), as ``y`` was."""
        y = self._outputs(X)
        return y.reshape(len(y), *self.outputs_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
