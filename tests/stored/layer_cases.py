"""Layers that are compared with PyTorch's: one line a case.

A case is a name, how to make the layer of a namespace ``nn``, how to call it, and its inputs: a
shape is drawn from the normal distribution and differentiated, an array is used as it is. ``nn`` is
``tatami.nn`` in the tests, and the same names spelled with PyTorch in make_layers.py.
"""

import numpy as np
from functional_cases import normal


def plain(layer, *xs):
    return layer(*xs)


CLASSES = np.array([0, 2, -100, 1, 3])
WORDS = np.array([[1, 4, 0], [2, 4, 2]])
SIGNS = np.array([1.0, -1, -1, 1, 1])
SHARES = np.linspace(0, 1, 12).reshape(3, 4)
WEIGHTS = np.array([0.2, 1.7, 0.9, 1.1])
LENGTHS = np.array([2, 4, 1])
ENDED = np.array([[False, False, True], [False, False, False]])  # (N, S)
LATER = np.triu(np.ones((2, 3), bool), 2)  # (L, S)

LINEAR = [
    ("Linear", lambda nn: nn.Linear(3, 4), plain, (2, 3)),
    ("Linear plain", lambda nn: nn.Linear(3, 4, False), plain, (2, 2, 3)),
    ("Flatten", lambda nn: nn.Flatten(), plain, (2, 3, 2)),
    ("Unflatten", lambda nn: nn.Unflatten(1, (3, 2)), plain, (2, 6, 2)),
    ("Identity", lambda nn: nn.Identity(54, unused=0.1), plain, (2, 3)),
    ("Embedding", lambda nn: nn.Embedding(6, 3, 2), plain, WORDS),
]

CONVOLUTIONS = [
    ("Conv1d", lambda nn: nn.Conv1d(2, 4, 3, 2, 1, 1, 2), plain, (2, 2, 7)),
    ("Conv2d", lambda nn: nn.Conv2d(2, 3, (3, 2)), plain, (2, 2, 4, 4)),
    ("Conv2d set", lambda nn: nn.Conv2d(4, 4, 3, 2, (1, 0), 1, 2, False), plain, (1, 4, 5, 5)),
    ("Conv1d circular", lambda nn: nn.Conv1d(2, 2, 4, 1, "same", 2, padding_mode="circular"),
     plain, (2, 2, 7)),
    ("Conv2d reflect", lambda nn: nn.Conv2d(1, 2, 3, 2, (1, 2), padding_mode="reflect"), plain,
     (1, 1, 4, 5)),
    ("Conv2d replicate", lambda nn: nn.Conv2d(1, 1, 2, 1, 1, padding_mode="replicate"), plain,
     (1, 1, 3, 2)),
    ("Conv2d same", lambda nn: nn.Conv2d(1, 2, 3, padding="same"), plain, (1, 1, 3, 4)),
    ("DepthwiseConv2d", lambda nn: nn.DepthwiseConv2d(3, 3, 1, 1, multiplier=2), plain,
     (1, 3, 3, 3)),
    ("ConvTranspose1d", lambda nn: nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, 2, True, 2), plain,
     (2, 4, 3)),
    ("ConvTranspose2d", lambda nn: nn.ConvTranspose2d(2, 3, (3, 2), 2, 1, 1), plain, (2, 2, 3, 2)),
    ("ConvTranspose2d plain", lambda nn: nn.ConvTranspose2d(2, 1, 2, bias=False), plain,
     (1, 2, 2, 2)),
]  # fmt: skip

POOLS = [
    ("MaxPool1d", lambda nn: nn.MaxPool1d(3, 2, 1, ceil_mode=True), plain, (2, 2, 6)),
    ("MaxPool2d", lambda nn: nn.MaxPool2d(2, 1, 1, 2), plain, (2, 2, 4, 5)),
    ("AvgPool1d", lambda nn: nn.AvgPool1d(3, 2, 1, True, False), plain, (2, 2, 6)),
    ("AvgPool2d", lambda nn: nn.AvgPool2d((3, 2), 2, 1, True), plain, (2, 2, 5, 4)),
    ("AdaptiveAvgPool1d", lambda nn: nn.AdaptiveAvgPool1d(3), plain, (2, 2, 7)),
    ("AdaptiveAvgPool2d", lambda nn: nn.AdaptiveAvgPool2d((2, 3)), plain, (2, 2, 5, 4)),
    ("AdaptiveMaxPool1d", lambda nn: nn.AdaptiveMaxPool1d(3), plain, (2, 2, 7)),
    ("AdaptiveMaxPool2d", lambda nn: nn.AdaptiveMaxPool2d(2), plain, (2, 2, 5, 4)),
    ("GlobalAvgPool2d", lambda nn: nn.GlobalAvgPool2d(), plain, (2, 3, 3, 2)),
    ("GlobalMaxPool2d", lambda nn: nn.GlobalMaxPool2d(), plain, (2, 3, 3, 2)),
    ("Upsample", lambda nn: nn.Upsample(scale_factor=2), plain, (1, 2, 2, 3)),
    ("Upsample size", lambda nn: nn.Upsample((4, 9), mode="bilinear"), plain, (1, 2, 2, 3)),
]

NORMS = [
    ("BatchNorm1d", lambda nn: nn.BatchNorm1d(3), plain, (4, 3)),
    ("BatchNorm1d long", lambda nn: nn.BatchNorm1d(3, 0.1, None), plain, (2, 3, 4)),
    ("BatchNorm1d idle", lambda nn: nn.BatchNorm1d(3).eval(), plain, (4, 3)),
    ("BatchNorm2d", lambda nn: nn.BatchNorm2d(2, 1e-3, 0.3), plain, (2, 2, 2, 3)),
    ("BatchNorm2d plain", lambda nn: nn.BatchNorm2d(2, 0.1, 0.1, False, False).eval(), plain,
     (2, 2, 2, 3)),
    ("InstanceNorm2d", lambda nn: nn.InstanceNorm2d(2), plain, (2, 2, 2, 3)),
    ("InstanceNorm2d full", lambda nn: nn.InstanceNorm2d(2, 0.1, 0.2, True, True), plain,
     (2, 2, 2, 3)),
    ("InstanceNorm2d idle", lambda nn: nn.InstanceNorm2d(2, 0.1, 0.2, True, True).eval(), plain,
     (2, 2, 2, 3)),
    ("GroupNorm", lambda nn: nn.GroupNorm(2, 4), plain, (2, 4, 3)),
    ("GroupNorm plain", lambda nn: nn.GroupNorm(2, 4, 0.1, False), plain, (2, 4, 3)),
    ("LayerNorm", lambda nn: nn.LayerNorm(4), plain, (2, 3, 4)),
    ("LayerNorm axes", lambda nn: nn.LayerNorm((3, 4), 0.1, True, False), plain, (2, 3, 4)),
    ("RMSNorm", lambda nn: nn.RMSNorm(4), plain, (3, 4)),
    ("RMSNorm set", lambda nn: nn.RMSNorm((4,), 0.1, False), plain, (3, 4)),
]  # fmt: skip

ACTIVATIONS = [
    ("ReLU", lambda nn: nn.ReLU(), plain, (3, 4)),
    ("LeakyReLU", lambda nn: nn.LeakyReLU(0.2), plain, (3, 4)),
    ("PReLU", lambda nn: nn.PReLU(), plain, (2, 3, 2)),
    ("PReLU channels", lambda nn: nn.PReLU(3, 0.1), plain, (2, 3, 2)),
    ("RReLU", lambda nn: nn.RReLU().eval(), plain, (3, 4)),
    ("ELU", lambda nn: nn.ELU(0.7), plain, (3, 4)),
    ("GELU", lambda nn: nn.GELU(), plain, (3, 4)),
    ("SiLU", lambda nn: nn.SiLU(), plain, (3, 4)),
    ("Sigmoid", lambda nn: nn.Sigmoid(), plain, (3, 4)),
    ("Tanh", lambda nn: nn.Tanh(), plain, (3, 4)),
    ("Softplus", lambda nn: nn.Softplus(), plain, (3, 4)),
    ("Softplus steep", lambda nn: nn.Softplus(3), plain, (3, 4)),
    ("Softmax", lambda nn: nn.Softmax(1), plain, (2, 3, 2)),
    ("LogSoftmax", lambda nn: nn.LogSoftmax(-1), plain, (3, 4)),
    ("Dropout", lambda nn: nn.Dropout(0.3).eval(), plain, (3, 4)),
]


def with_state(layer, x, *states):
    return layer(x, states if len(states) > 1 else states[0])


def with_lengths(layer, x, lengths):
    return layer(x, lengths=lengths)


RECURRENT = [
    ("RNN", lambda nn: nn.RNN(3, 2), plain, (4, 2, 3)),
    ("RNN full", lambda nn: nn.RNN(2, 2, 2, "relu", False, True, 0.0, True), plain, (2, 3, 2)),
    ("RNN lengths", lambda nn: nn.RNN(2, 2, bidirectional=True), with_lengths, (4, 3, 2), LENGTHS),
    ("LSTM", lambda nn: nn.LSTM(3, 2), plain, (4, 2, 3)),
    ("LSTM full", lambda nn: nn.LSTM(2, 2, 2, True, True, 0.0, True), with_state,
     (2, 3, 2), (4, 2, 2), (4, 2, 2)),
    ("LSTM lengths", lambda nn: nn.LSTM(2, 2, 2, False, True, 0.0, True), with_lengths,
     (3, 4, 2), LENGTHS),
    ("LSTM row", lambda nn: nn.LSTM(3, 2), with_state, (4, 3), (1, 2), (1, 2)),
    ("GRU", lambda nn: nn.GRU(3, 2, 2), with_state, (4, 2, 3), (2, 2, 2)),
    ("GRU full", lambda nn: nn.GRU(2, 2, 2, False, True, 0.0, True), plain, (2, 3, 2)),
    ("GRU lengths", lambda nn: nn.GRU(2, 2, bidirectional=True), with_lengths, (4, 3, 2), LENGTHS),
    ("RNNCell", lambda nn: nn.RNNCell(3, 2, True, "relu"), plain, (2, 3), (2, 2)),
    ("RNNCell start", lambda nn: nn.RNNCell(3, 2, False), plain, (2, 3)),
    ("LSTMCell", lambda nn: nn.LSTMCell(3, 2), with_state, (2, 3), (2, 2), (2, 2)),
    ("LSTMCell start", lambda nn: nn.LSTMCell(3, 2, False), plain, (2, 3)),
    ("GRUCell", lambda nn: nn.GRUCell(3, 2), plain, (2, 3), (2, 2)),
    ("GRUCell start", lambda nn: nn.GRUCell(3, 2, False), plain, (2, 3)),
]  # fmt: skip

ATTENTION = [
    ("MultiheadAttention", lambda nn: nn.MultiheadAttention(4, 2), lambda f, x: f(x, x, x),
     (3, 2, 4)),
    ("MultiheadAttention across", lambda nn: nn.MultiheadAttention(4, 2, bias=False), plain,
     (2, 2, 4), (3, 2, 4), (3, 2, 4)),
    ("MultiheadAttention masked", lambda nn: nn.MultiheadAttention(4, 2, batch_first=True),
     lambda f, q, k, ended, later: f(q, k, k, ended, attn_mask=later, average_attn_weights=False),
     (2, 2, 4), (2, 3, 4), ENDED, LATER),
    ("MultiheadAttention unweighed", lambda nn: nn.MultiheadAttention(4, 2, batch_first=True),
     lambda f, q, k, later: f(q, k, k, need_weights=False, attn_mask=later)[:1],
     (2, 2, 4), (2, 3, 4), np.array([[0.0, 1, -1], [2, 0, 0]])),
    ("MultiheadAttention sizes", lambda nn: nn.MultiheadAttention(4, 2, kdim=3, vdim=2), plain,
     (2, 1, 4), (3, 1, 3), (3, 1, 2)),
]  # fmt: skip

LOSSES = [
    ("MSELoss", lambda nn: nn.MSELoss(), plain, (3, 4), (3, 4)),
    ("L1Loss", lambda nn: nn.L1Loss(reduction="sum"), plain, (3, 4), (3, 4)),
    ("HuberLoss", lambda nn: nn.HuberLoss("none", 0.6), plain, (3, 4), (3, 4)),
    ("BCELoss", lambda nn: nn.BCELoss(), lambda f, x, t: f(x * x / 20 + 0.1, t), (3, 4), SHARES),
    ("BCEWithLogitsLoss", lambda nn: nn.BCEWithLogitsLoss(pos_weight=WEIGHTS),
     plain, (3, 4), SHARES),
    ("CrossEntropyLoss", lambda nn: nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.1), plain,
     (5, 4), CLASSES),
    ("CrossEntropyLoss plain", lambda nn: nn.CrossEntropyLoss(ignore_index=2), plain,
     (5, 4), CLASSES.clip(0)),
    ("NLLLoss", lambda nn: nn.NLLLoss(WEIGHTS, reduction="sum"), plain, (5, 4), CLASSES),
    ("KLDivLoss", lambda nn: nn.KLDivLoss(reduction="batchmean", log_target=True), plain,
     (3, 4), (3, 4)),
    ("HingeEmbeddingLoss", lambda nn: nn.HingeEmbeddingLoss(0.5), plain, (5,), SIGNS),
    ("CosineSimilarity", lambda nn: nn.CosineSimilarity(2), plain, (2, 3, 4), (2, 3, 4)),
    ("CosineEmbeddingLoss", lambda nn: nn.CosineEmbeddingLoss(0.1), plain, (5, 3), (5, 3), SIGNS),
]  # fmt: skip

CASES = [
    *LINEAR,
    *CONVOLUTIONS,
    *POOLS,
    *NORMS,
    *ACTIVATIONS,
    *RECURRENT,
    *ATTENTION,
    *LOSSES,
]


def inputs(case):
    """(array, whether to differentiate by it) of every input."""
    name, _, _, *given = case
    return [
        (normal(f"{name} {k}", *x), True) if isinstance(x, tuple) else (x, False)
        for k, x in enumerate(given)
    ]


def state(case, shapes):
    """Values for everything that a layer saves, by name; counters stay 0."""
    drawn = {n: normal(f"{case[0]} {n}", *shape) / 2 for n, shape in shapes.items() if shape}
    positive = {n: abs(v) + 0.5 for n, v in drawn.items() if n.endswith("running_var")}
    return {n: np.zeros((), np.int64) for n in shapes} | drawn | positive
