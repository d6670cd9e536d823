"""WaveNet: sound made one sample at a time, each drawn given all that it hears before.

van den Oord et al., WaveNet: A Generative Model for Raw Audio, 2016; generation by queues after
Le Paine et al., Fast Wavenet Generation Algorithm, 2016.

p(x) = prod_t p(x_t | x_{t-1}, ..., x_{t-R}): a wave is cut to 256 levels, and a network of causal
convolutions, whose distance between taps doubles from layer to layer, tells the probabilities of
the next one. R, the receptive field, grows exponentially with depth.
"""

from functools import partial

import numpy as np

from .. import functional as F
from .. import kernels as K
from .. import nn, optim
from ..autograd import no_grad
from ._given import labels_of, need

ADAM = partial(optim.Adam, lr=2e-3)
LEVELS = 256
SILENCE = LEVELS // 2  # the level of what was before the first sample


def mu_law_encode(x):
    """Levels 0 to 255 (int64) of samples from -1 to 1, finer the nearer to 0.

    ``sign(x) ln(1 + 255 |x|) / ln 256``, cut to 256 equal parts (ITU-T G.711; the paper, section
    2.2).
    """
    x = np.clip(x, -1, 1)
    if np.isnan(x).any():
        raise ValueError("mu_law_encode: x holds NaN, which has no level")
    y = np.sign(x) * np.log1p((LEVELS - 1) * np.abs(x)) / np.log(LEVELS)
    return np.floor((y + 1) / 2 * (LEVELS - 1) + 0.5).astype(np.int64)


def mu_law_decode(levels):
    """Samples from -1 to 1 (float32) of levels 0 to 255."""
    y = 2 * np.asarray(levels) / (LEVELS - 1) - 1
    return (np.sign(y) * np.expm1(np.abs(y) * np.log(LEVELS)) / (LEVELS - 1)).astype(np.float32)


class WaveNet(nn.Module):
    """The probabilities of the next of 256 levels: past levels (N, T) to logits (N, 256, T).

    A layer for each of the ``dilations``: z = tanh(filter * h) sigmoid(gate * h), where * is a
    causal convolution of two taps so far apart; h + residual(z) goes to the next layer. The skip
    connections of all layers are added up and lead through ReLUs to the logits. With ``classes``,
    each has a bias of its own of every filter and gate (the paper, section 2.5, global).

    It is trained on waves (N, T) from -1 to 1, and labels (N,).

    >>> model = WaveNet([1, 2, 4, 8])
    >>> model.receptive_field
    16
    >>> model.sample(3, 100, rng=numpy.random.default_rng(0)).shape
    (3, 100)
    """

    def __init__(self, dilations, classes=None, channels=24, skip=64):
        self.dilations = list(dilations)
        self.channels = channels
        layers = len(self.dilations)
        self.first = nn.Embedding(LEVELS, channels)
        nn.init.constant_(self.first.weight, _waves(channels))
        self.gates = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels, 2, padding=((d, 0),), dilation=d)
            for d in self.dilations
        )
        self.residual = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(layers - 1))
        self.skip = nn.Conv1d(layers * channels, skip, 1)  # of all layers at once: it adds them up
        self.middle = nn.Conv1d(skip, skip, 1)
        self.last = nn.Conv1d(skip, LEVELS, 1)
        self.voice = None
        if classes is not None:
            self.voice = nn.Embedding(classes, layers * 2 * channels)
            nn.init.normal_(self.voice.weight, std=0.5)

    @property
    def receptive_field(self):
        """How many samples the next one is drawn given: 1 + sum of dilations (taps - 1)."""
        return 1 + sum(self.dilations)

    def compile(self, optimizer=ADAM):
        super().compile(optimizer)

    def forward(self, levels, label=None):
        """Logits (N, 256, T); those at t are of the level at t + 1, given levels (N, T) up to t."""
        return self.logits(self.first(levels).swapaxes(1, 2), label)

    def logits(self, h, label=None):
        """Of the embedded levels h (N, channels, T)."""
        z = []
        for gates, residual, voice in self._layers(label, len(h)):
            a = gates(h) if voice is None else gates(h) + voice[:, :, None]
            filter, gate = F.chunk(a, 2, axis=1)
            z.append(F.tanh(filter) * F.sigmoid(gate))
            if residual is not None:
                h = h + residual(z[-1])
        h = F.relu(self.skip(F.concatenate(z, axis=1)))
        return self.last(F.relu(self.middle(h)))

    def _layers(self, label, count):
        """Of every layer the convolutions and, with a label, the biases (N, 2 channels)."""
        layers = len(self.dilations)
        voices = [None] * layers
        if self.voice is not None:
            if label is None:
                raise ValueError("WaveNet: a model with classes needs labels")
            voices = F.chunk(self.voice(labels_of(self, label, count)), layers, axis=1)
        return zip(self.gates, [*self.residual, None], voices, strict=True)

    # Training

    def train_step(self, optimizer, x, y=None):
        """One step down from the negative log-likelihood in nats a sample."""
        loss = self._loss(x, y)
        optimizer.minimize(loss)
        return {"loss": loss}

    def test_step(self, x, y=None):
        return {"loss": self._loss(x, y)}

    def _loss(self, x, y):
        need(self, x, "T")
        levels = mu_law_encode(x.data)
        past = np.pad(levels[:, :-1], ((0, 0), (1, 0)), constant_values=SILENCE)
        return F.cross_entropy(self(past, None if self.voice is None else y), levels)

    # Samples

    @no_grad()
    def sample(self, count, length, label=None, *, start=None, rng):
        """``count`` waves (N, length), drawn sample by sample.

        ``label`` is a class or one for each. They go on after ``start`` (N, P) or (P,), and after
        silence without it.
        """
        before = np.full((count, 1), SILENCE)
        if start is not None:
            start = np.broadcast_to(mu_law_encode(start), (count, np.shape(start)[-1]))
            before = np.concatenate([before, start], axis=1)
        step = Steps(self, count, label)
        *past, levels = before.T
        for each in past:
            step(each)
        made = np.empty((length, count), np.int64)
        for t in range(length):
            made[t] = levels = _drawn(step(levels), rng)
        return mu_law_decode(made.T)


class Steps:
    """A WaveNet of ``count`` waves a sample at a time: ``steps(levels)`` (N,) are logits (N, 256).

    They are bit for bit what the whole network says of all levels so far. Each layer keeps in a
    queue what it was given in the last samples, as many as its taps are apart: what was computed
    once is not computed again.
    """

    @no_grad()
    def __init__(self, model, count, label=None):
        self.first = model.first.weight.data
        self.layers = [
            (
                np.zeros((dilation, count, model.channels), self.first.dtype),
                _matrix(gates),
                residual and _matrix(residual),
                0 if voice is None else voice.data,
            )
            for dilation, (gates, residual, voice) in zip(
                model.dilations, model._layers(label, count)
            )
        ]
        self.head = [_matrix(conv) for conv in (model.skip, model.middle, model.last)]
        self.time = 0

    def __call__(self, levels):
        h, skipped = self.first[levels], []
        for queue, gates, residual, voice in self.layers:
            oldest = queue[self.time % len(queue)]
            taps = np.stack([oldest, h], axis=-1).reshape(len(h), 2 * h.shape[1])
            oldest[:] = h
            filter, gate = np.split(K.linear(taps, *gates) + voice, 2, axis=1)
            z = F.tanh(filter) * F.sigmoid(gate)
            skipped.append(z)
            if residual is not None:
                h = h + K.linear(z, *residual)
        self.time += 1
        skip, middle, last = self.head
        h = K.linear(np.concatenate(skipped, axis=1), *skip, activation="relu")
        return K.linear(K.linear(h, *middle, activation="relu"), *last)


def _waves(channels):
    """(256, channels): sines and cosines of the levels, so that neighbours begin alike."""
    place = np.linspace(-1, 1, LEVELS)[:, None]
    angle = place * np.pi / 2 * np.arange(1, (channels + 1) // 2 + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)[:, :channels]


def _matrix(conv):
    """Weights (O, C taps) and bias of a convolution: what multiplies one of its windows."""
    return conv.weight.data.reshape(conv.out_channels, -1), conv.bias.data


def _drawn(logits, rng):
    """A level for each row (N, 256), by the probabilities."""
    below = K.softmax(logits).cumsum(axis=1, dtype=np.float64)
    return (below[:, :-1] < rng.random((len(below), 1)) * below[:, -1:]).sum(axis=1)
