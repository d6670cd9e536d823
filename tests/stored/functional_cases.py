"""Calls of functions whose derivatives are compared with PyTorch's: one line a case.

A case is a name, a function of a namespace ``F`` and arrays, and the arrays' shapes. ``F`` is
``tatami.functional`` in the tests, and the same names spelled with PyTorch in make_functional.py,
so that this file knows neither.
"""

import zlib

import numpy as np

CLASSES = np.array([0, 2, -100, 1, 3])
PIXELS = np.array([[0, 1, 3], [2, -100, 0]])
SIGNS = np.array([1, -1, -1, 1, 1])
PAIR = np.array([0.2, 1.7, 0.9, 1.1])
SHARES = np.array([[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
WORDS = np.array([[1, 4, 0], [4, 4, 2]])
SEEN = np.array([[True, False, True, True], [False, False, False, True], [True, True, True, True]])

ACTIVATIONS = [
    ("relu", lambda F, x: F.relu(x), (3, 4)),
    ("leaky_relu", lambda F, x: F.leaky_relu(x, 0.2), (3, 4)),
    ("sigmoid", lambda F, x: F.sigmoid(x), (3, 4)),
    ("tanh", lambda F, x: F.tanh(x), (3, 4)),
    ("gelu", lambda F, x: F.gelu(x), (3, 4)),
    ("silu", lambda F, x: F.silu(x), (3, 4)),
    ("elu", lambda F, x: F.elu(x, 0.7), (3, 4)),
    ("softplus", lambda F, x: F.softplus(x), (3, 4)),
    ("prelu one", lambda F, x, w: F.prelu(x, w), (3, 4), (1,)),
    ("prelu channels", lambda F, x, w: F.prelu(x, w), (2, 3, 4), (3,)),
    ("rrelu idle", lambda F, x: F.rrelu(x, 0.1, 0.4), (3, 4)),
    ("softmax", lambda F, x: F.softmax(x, -1), (3, 4)),
    ("softmax rows", lambda F, x: F.softmax(x, 0), (3, 4)),
    ("log_softmax", lambda F, x: F.log_softmax(x, 1), (2, 3, 2)),
]

CONVOLUTIONS = [
    ("conv1d", lambda F, *a: F.conv1d(*a), (2, 3, 7), (4, 3, 3), (4,)),
    ("conv1d set", lambda F, *a: F.conv1d(*a, 2, 2, 2, 2), (2, 4, 8), (4, 2, 3), (4,)),
    ("conv1d same", lambda F, *a: F.conv1d(*a, padding="same"), (1, 2, 5), (2, 2, 4)),
    ("conv1d fused", lambda F, *a: F.tanh(F.conv1d(*a)), (1, 2, 5), (2, 2, 3)),
    ("conv2d", lambda F, *a: F.conv2d(*a), (2, 3, 4, 5), (2, 3, 3, 2), (2,)),
    ("conv2d set", lambda F, *a: F.conv2d(*a, 2, (1, 0), 2, 2), (2, 4, 6, 7), (4, 2, 3, 2), (4,)),
    ("conv2d same", lambda F, *a: F.conv2d(*a, padding="same"), (1, 2, 4, 3), (2, 2, 3, 2)),
    ("conv2d depthwise", lambda F, *a: F.conv2d(*a, groups=3), (1, 3, 4, 4), (3, 1, 3, 3)),
    ("conv_transpose1d", lambda F, *a: F.conv_transpose1d(*a), (2, 3, 4), (3, 2, 3), (2,)),
    ("conv_transpose1d set", lambda F, *a: F.conv_transpose1d(*a, 2, 1, 1, 2, 2),
     (2, 4, 3), (4, 2, 3), (4,)),
    ("conv_transpose1d far", lambda F, *a: F.conv_transpose1d(*a, 1, 0, 2, 1, 3),
     (1, 2, 3), (2, 2, 2), (2,)),
    ("conv_transpose2d", lambda F, *a: F.conv_transpose2d(*a), (1, 3, 3, 2), (3, 2, 2, 3), (2,)),
    ("conv_transpose2d set", lambda F, *a: F.conv_transpose2d(*a, 2, 1, 1, 2, (1, 2)),
     (2, 4, 3, 2), (4, 1, 3, 2), (2,)),
]  # fmt: skip

POOLS = [
    ("max_pool1d", lambda F, x: F.max_pool1d(x, 3, 2, 1, 1, True), (2, 3, 7)),
    ("max_pool1d plain", lambda F, x: F.max_pool1d(x, (2,)), (2, 2, 7)),
    ("avg_pool1d", lambda F, x: F.avg_pool1d(x, 3, 2, 1, True, False), (2, 3, 7)),
    ("adaptive_avg_pool1d", lambda F, x: F.adaptive_avg_pool1d(x, 3), (2, 2, 7)),
    ("adaptive_max_pool1d", lambda F, x: F.adaptive_max_pool1d(x, 3), (2, 2, 7)),
    ("max_pool2d", lambda F, x: F.max_pool2d(x, 3, 2, 1), (2, 2, 5, 6)),
    ("max_pool2d set", lambda F, x: F.max_pool2d(x, (2, 3), (1, 2), (0, 1), (2, 1), True),
     (1, 2, 5, 6)),
    ("avg_pool2d", lambda F, x: F.avg_pool2d(x, 3, 2, 1), (2, 2, 5, 6)),
    ("avg_pool2d inside", lambda F, x: F.avg_pool2d(x, (3, 2), 2, 1, True, False), (1, 2, 5, 6)),
    ("adaptive_avg_pool2d", lambda F, x: F.adaptive_avg_pool2d(x, (2, 3)), (2, 2, 5, 4)),
    ("adaptive_avg_pool2d all", lambda F, x: F.adaptive_avg_pool2d(x, 1), (2, 3, 3, 4)),
    ("adaptive_max_pool2d", lambda F, x: F.adaptive_max_pool2d(x, (2, 3)), (2, 2, 5, 4)),
    ("upsample2d", lambda F, x: F.upsample2d(x, (2, 3)), (2, 2, 2, 3)),
    ("upsample2d bilinear", lambda F, x: F.upsample2d(x, (3, 2), "bilinear"), (2, 2, 3, 2)),
]  # fmt: skip

NORMS = [
    ("batch_norm", lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True), (4, 3), (3,), (3,)),
    ("batch_norm image", lambda F, x: F.batch_norm(x, None, None, training=True, eps=0.1),
     (2, 3, 2, 2)),
    ("batch_norm fixed", lambda F, x, w, b: F.batch_norm(x, PAIR - 1, PAIR, w, b, False, eps=0.1),
     (2, 4, 3), (4,), (4,)),
    ("instance_norm", lambda F, x, w, b: F.instance_norm(x, None, None, w, b),
     (2, 3, 4), (3,), (3,)),
    ("instance_norm fixed",
     lambda F, x, w: F.instance_norm(x, PAIR - 1, PAIR, w, use_input_stats=False),
     (2, 4, 3), (4,)),
    ("group_norm", lambda F, *a: F.group_norm(a[0], 2, *a[1:]), (2, 4, 3), (4,), (4,)),
    ("group_norm plain", lambda F, x: F.group_norm(x, 3, eps=0.1), (2, 3, 2, 2)),
    ("layer_norm", lambda F, *a: F.layer_norm(a[0], (4,), *a[1:]), (2, 3, 4), (4,), (4,)),
    ("layer_norm axes", lambda F, *a: F.layer_norm(a[0], (3, 4), *a[1:]), (2, 3, 4), (3, 4)),
    ("rms_norm", lambda F, x, w: F.rms_norm(x, (4,), w, 0.01), (3, 4), (4,)),
    ("rms_norm axes", lambda F, x: F.rms_norm(x, (3, 2), eps=0.1), (2, 3, 2)),
]  # fmt: skip


def _losses():
    """Every reduction of every loss."""
    for r in ("mean", "sum", "none"):
        for name, call, *shapes in LOSSES:
            yield (f"{name} {r}", lambda F, *a, r=r, call=call: call(F, *a, reduction=r), *shapes)


LOSSES = [
    ("mse_loss", lambda F, *a, **r: F.mse_loss(*a, **r), (3, 4), (3, 4)),
    ("l1_loss", lambda F, *a, **r: F.l1_loss(*a, **r), (3, 4), (3, 4)),
    ("huber_loss", lambda F, *a, **r: F.huber_loss(*a, delta=0.6, **r), (3, 4), (3, 4)),
    ("cross_entropy", lambda F, x, **r: F.cross_entropy(x, CLASSES, **r), (5, 4)),
    ("cross_entropy set",
     lambda F, x, **r: F.cross_entropy(x, PIXELS, PAIR, label_smoothing=0.2, **r), (2, 4, 3)),
    ("cross_entropy ignored",
     lambda F, x, **r: F.cross_entropy(x, CLASSES.clip(0), PAIR, ignore_index=2, **r), (5, 4)),
    ("cross_entropy shares", lambda F, *a, **r: F.cross_entropy(*a, **r), (3, 4), (3, 4)),
    ("cross_entropy shares set",
     lambda F, *a, **r: F.cross_entropy(*a, PAIR, label_smoothing=0.2, **r), (2, 4, 3), (2, 4, 3)),
    ("nll_loss", lambda F, x, **r: F.nll_loss(x, CLASSES, **r), (5, 4)),
    ("nll_loss set", lambda F, x, **r: F.nll_loss(x, PIXELS, PAIR, **r), (2, 4, 3)),
    ("binary_cross_entropy",
     lambda F, x, t, **r: F.binary_cross_entropy(F.sigmoid(x), F.sigmoid(t), **r), (3, 4), (3, 4)),
    ("binary_cross_entropy weighted",
     lambda F, x, **r: F.binary_cross_entropy(F.sigmoid(x), SHARES, SHARES + 1, **r), (3, 4)),
    ("binary_cross_entropy_with_logits",
     lambda F, x, t, **r: F.binary_cross_entropy_with_logits(x, t, **r), (3, 4), (3, 4)),
    ("binary_cross_entropy_with_logits set",
     lambda F, *a, **r: F.binary_cross_entropy_with_logits(*a, SHARES, pos_weight=PAIR, **r),
     (3, 4), (3, 4)),
    ("kl_div", lambda F, x, t, **r: F.kl_div(x, F.sigmoid(t), **r), (3, 4), (3, 4)),
    ("kl_div zeros", lambda F, x, **r: F.kl_div(x, SHARES, **r), (3, 4)),
    ("kl_div logs", lambda F, *a, **r: F.kl_div(*a, log_target=True, **r), (3, 4), (3, 4)),
    ("cosine_embedding_loss",
     lambda F, *a, **r: F.cosine_embedding_loss(*a, SIGNS, 0.1, **r), (5, 3), (5, 3)),
    ("triplet_margin_loss", lambda F, *a, **r: F.triplet_margin_loss(*a, **r),
     (5, 3), (5, 3), (5, 3)),
    ("triplet_margin_loss swap",
     lambda F, *a, **r: F.triplet_margin_loss(*a, margin=2.0, swap=True, **r),
     (5, 3), (5, 3), (5, 3)),
    ("hinge_loss", lambda F, x, **r: F.hinge_loss(x, SIGNS, **r), (5,)),
    ("hinge_embedding_loss",
     lambda F, x, **r: F.hinge_embedding_loss(x, SIGNS, margin=0.5, **r), (5,)),
]  # fmt: skip

OTHERS = [
    ("kl_div batchmean", lambda F, *a: F.kl_div(a[0], SHARES, reduction="batchmean"), (3, 4)),
    ("cosine_similarity", lambda F, *a: F.cosine_similarity(*a, 1), (2, 3, 2), (3, 1)),
    ("normalize", lambda F, x: F.normalize(x), (3, 4)),
    ("normalize ones", lambda F, x: F.normalize(x, 1.0, 0), (3, 4)),
    ("pairwise_distance", lambda F, *a: F.pairwise_distance(*a), (3, 4), (3, 4)),
    ("grid_sample", lambda F, *a: F.grid_sample(*a), (2, 2, 3, 4), (2, 2, 3, 2)),
    ("grid_sample border", lambda F, *a: F.grid_sample(*a, padding_mode="border"),
     (1, 2, 4, 3), (1, 3, 2, 2)),
    ("grid_sample corners", lambda F, *a: F.grid_sample(*a, align_corners=True),
     (1, 1, 4, 3), (1, 3, 2, 2)),
    ("grid_sample nearest", lambda F, *a: F.grid_sample(*a, "nearest"),
     (1, 2, 4, 3), (1, 3, 2, 2)),
    ("embedding", lambda F, w: F.embedding(WORDS, w), (5, 3)),
    ("embedding padded", lambda F, w: F.embedding(WORDS, w, -1), (5, 3)),
]  # fmt: skip

ATTENTION = [
    ("scaled_dot_product_attention", lambda F, *a: F.scaled_dot_product_attention(*a),
     (2, 3, 4), (2, 5, 4), (2, 5, 2)),
    ("scaled_dot_product_attention causal",
     lambda F, *a: F.scaled_dot_product_attention(*a, is_causal=True),
     (2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)),
    ("scaled_dot_product_attention masked",
     lambda F, *a: F.scaled_dot_product_attention(*a, SEEN), (3, 2), (4, 2), (4, 3)),
    ("scaled_dot_product_attention biased",
     lambda F, *a: F.scaled_dot_product_attention(*a, scale=0.3),
     (2, 3, 2), (2, 4, 2), (2, 4, 3), (3, 4)),
]  # fmt: skip

STEPS, N, INPUTS, H = 3, 2, 3, 2
LENGTHS = np.array([3, 1])
# x, w_ih, w_hh, b_ih, b_hh and the first state, for as many gates
LSTM = (STEPS, N, INPUTS), (4 * H, INPUTS), (4 * H, H), (4 * H,), (4 * H,), (N, H), (N, H)
GRU = (STEPS, N, INPUTS), (3 * H, INPUTS), (3 * H, H), (3 * H,), (3 * H,), (N, H)
RNN = (STEPS, N, INPUTS), (H, INPUTS), (H, H), (H,), (H,), (N, H)

RECURRENT = [
    ("lstm", lambda F, *a: F.lstm(*a), *LSTM),
    ("lstm plain", lambda F, *a: F.lstm(*a)[0], *LSTM[:3]),
    ("lstm last", lambda F, *a: F.lstm(*a)[2], *LSTM[:5]),
    ("lstm lengths", lambda F, *a: F.lstm(*a, lengths=LENGTHS), *LSTM),
    ("lstm reverse", lambda F, *a: F.lstm(*a, reverse=True), *LSTM[:3]),
    ("lstm reverse lengths", lambda F, *a: F.lstm(*a, lengths=LENGTHS, reverse=True), *LSTM),
    ("gru", lambda F, *a: F.gru(*a), *GRU),
    ("gru plain", lambda F, *a: F.gru(*a)[1], *GRU[:3]),
    ("gru lengths", lambda F, *a: F.gru(*a, lengths=LENGTHS), *GRU),
    ("gru reverse lengths", lambda F, *a: F.gru(*a, lengths=LENGTHS, reverse=True), *GRU),
    ("gru before", lambda F, *a: F.gru(*a, reset_after=False), *GRU),
    ("gru before plain", lambda F, *a: F.gru(*a, reset_after=False)[0], *GRU[:3]),
    ("gru before lengths", lambda F, *a: F.gru(*a, reset_after=False, lengths=LENGTHS), *GRU),
    ("rnn", lambda F, *a: F.rnn(*a), *RNN),
    ("rnn relu", lambda F, *a: F.rnn(*a, activation="relu"), *RNN),
    ("rnn reverse lengths", lambda F, *a: F.rnn(*a, lengths=LENGTHS, reverse=True)[0], *RNN[:3]),
    ("lstm_cell", lambda F, x, wi, wh, bi, bh, h, c: F.lstm_cell(x, h, c, wi, wh, bi, bh),
     (N, INPUTS), *LSTM[1:]),
    ("gru_cell", lambda F, x, wi, wh, bi, bh, h: F.gru_cell(x, h, wi, wh, bi, bh),
     (N, INPUTS), *GRU[1:]),
    ("gru_cell plain", lambda F, x, wi, wh, h: F.gru_cell(x, h, wi, wh),
     (N, INPUTS), *GRU[1:3], (N, H)),
    ("rnn_cell", lambda F, x, wi, wh, bi, bh, h: F.rnn_cell(x, h, wi, wh, bi, bh),
     (N, INPUTS), *RNN[1:]),
    ("rnn_cell relu", lambda F, x, wi, wh, h: F.rnn_cell(x, h, wi, wh, activation="relu"),
     (N, INPUTS), *RNN[1:3], (N, H)),
]  # fmt: skip

CASES = [
    *ACTIVATIONS,
    *CONVOLUTIONS,
    *POOLS,
    *NORMS,
    *_losses(),
    *OTHERS,
    *ATTENTION,
    *RECURRENT,
]


def normal(name, *shape):
    """Numbers that no release of NumPy changes."""
    return np.random.RandomState(zlib.crc32(f"{name} {shape}".encode())).standard_normal(shape)


def arguments(case):
    name, _, *shapes = case
    return [normal(f"{name} {k}", *shape) for k, shape in enumerate(shapes)]


def weights(case, results):
    """What each result, or each gradient, is multiplied with before its derivative is taken."""
    return [normal(f"{case[0]} weight {k}", *y.shape) for k, y in enumerate(results)]


def save(file, results):
    """Vectors by name, behind each other: an entry of an archive each would double its size."""
    ends = np.cumsum([v.size for v in results.values()])
    numbers = np.concatenate(list(results.values()))
    np.savez_compressed(file, names=list(results), ends=ends, numbers=numbers)


def load(file):
    with np.load(file) as stored:
        parts = np.split(stored["numbers"], stored["ends"][:-1])
        return dict(zip(stored["names"].tolist(), parts))
