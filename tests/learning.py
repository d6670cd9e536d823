"""A small problem and a small model for the tests of training."""

import numpy as np

import tatami
from tatami import nn, optim, training


def clouds(n=60):
    """Two clouds of points that a line separates."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = rng.standard_normal((n, 2)) + 4 * y[:, None]
    return x.astype(np.float32), y


def network(dropout=0.0, outputs=2):
    """The same weights every time."""
    tatami.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, outputs))


def compiled(dropout=0.0, metrics=("accuracy",), **settings):
    model = network(dropout)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    training.compile(model, optimizer, "cross_entropy", metrics, **settings)
    return model


def trained(epochs=8, model=None, **settings):
    """The model and what it measured."""
    model = model or compiled()
    settings = {"verbose": 0, "batch_size": 16, **settings}
    return model, training.fit(model, *clouds(), epochs=epochs, **settings)


def assert_same_weights(first, second):
    theirs = second.state_dict()
    for name, values in first.state_dict().items():
        np.testing.assert_array_equal(values, theirs[name], name)


def assert_threads_change_no_bit(train):
    """``train()`` gives a model of the same weights by one thread and by three."""
    models = []
    for threads in (1, 3):
        tatami.set_num_threads(threads)
        models.append(train())
    assert_same_weights(*models)
