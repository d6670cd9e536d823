"""Recurrent layers: one step (cells), whole sequences, and their gradients through time.

Shapes: ``x`` (T, N, I) or, for a cell, (N, I); ``w_ih`` (G*H, I), ``w_hh`` (G*H, H), biases
(G*H,), states (N, H). The G gates of H rows each lie below each other in PyTorch's order: LSTM
i, f, g, o; GRU r, z, n; RNN has one. Biases and first states left out are zeros.

Sequences: ``lengths`` (N,) gives each row's number of valid steps, 0 to T: past them ``y`` is 0
and the state stands still, so that ``h_n`` is the state after the row's last step.
``reverse=True`` reads row n from step ``lengths[n] - 1`` down to 0; ``y`` stays aligned with
``x``. ``return_cache=True`` also returns the opaque cache that the gradient takes. The cache
refers to ``x`` and the weights: do not change them before the gradient is taken.

A row's result depends neither on the rows beside it nor on the number of threads.
"""

from .. import _core

__all__ = [
    "gru",
    "gru_cell",
    "gru_grad",
    "lstm",
    "lstm_cell",
    "lstm_grad",
    "rnn",
    "rnn_cell",
    "rnn_grad",
]


def lstm_cell(x, h, c, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of :func:`lstm` from the state ``h``, ``c``; returns the new ``h`` and ``c``."""
    return _core.lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh)


def gru_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of :func:`gru` (``reset_after=True``) from the state ``h``; returns the new one."""
    return _core.gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)


def rnn_cell(x, h, w_ih, w_hh, b_ih=None, b_hh=None, activation="tanh"):
    """One step of :func:`rnn` from the state ``h``; returns the new one."""
    return _core.rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh, activation)


def lstm(
    x,
    w_ih,
    w_hh,
    b_ih=None,
    b_hh=None,
    h0=None,
    c0=None,
    *,
    lengths=None,
    reverse=False,
    return_cache=False,
):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates) over a sequence.

    With s the logistic function, every step computes::

        i, f, g, o = split(w_ih @ x + b_ih + w_hh @ h + b_hh, 4)
        c = s(f) * c + s(i) * tanh(g)
        h = s(o) * tanh(c)

    Returns ``y`` (T, N, H), ``h_n`` (N, H), ``c_n`` (N, H) and, if asked for, the cache. Raises
    ``ValueError`` for shapes that do not fit and lengths outside [0, T].

    >>> y, h_n, c_n = lstm(x, w_ih, w_hh, b_ih, b_hh)  # x (35, 20, 100), w_hh (800, 200)
    >>> y.shape, h_n.shape
    ((35, 20, 200), (20, 200))
    """
    return _core.lstm(x, w_ih, w_hh, b_ih, b_hh, h0, c0, lengths, reverse, return_cache)


def gru(
    x,
    w_ih,
    w_hh,
    b_ih=None,
    b_hh=None,
    h0=None,
    *,
    lengths=None,
    reverse=False,
    reset_after=True,
    return_cache=False,
):
    """Gated recurrent unit (Cho et al. 2014) over a sequence.

    With s the logistic function, every step computes::

        r = s(w_ir @ x + b_ir + w_hr @ h + b_hr)
        z = s(w_iz @ x + b_iz + w_hz @ h + b_hz)
        n = tanh(w_in @ x + b_in + r * (w_hn @ h + b_hn))    # reset_after=True, PyTorch's
        n = tanh(w_in @ x + b_in + w_hn @ (r * h) + b_hn)    # reset_after=False, the paper's
        h = (1 - z) * n + z * h

    Returns ``y`` (T, N, H), ``h_n`` (N, H) and, if asked for, the cache. Raises ``ValueError`` for
    shapes that do not fit and lengths outside [0, T].

    >>> y, h_n, cache = gru(x, w_ih, w_hh, return_cache=True)
    >>> grad_x, grad_w_ih, grad_w_hh, _, _, grad_h0 = gru_grad(grad_y, None, cache)
    """
    return _core.gru(x, w_ih, w_hh, b_ih, b_hh, h0, lengths, reverse, reset_after, return_cache)


def rnn(
    x,
    w_ih,
    w_hh,
    b_ih=None,
    b_hh=None,
    h0=None,
    *,
    lengths=None,
    reverse=False,
    activation="tanh",
    return_cache=False,
):
    """Elman's recurrent network over a sequence: ``h = f(w_ih @ x + b_ih + w_hh @ h + b_hh)``.

    ``activation`` names f: "tanh" or "relu". Returns ``y`` (T, N, H), ``h_n`` (N, H) and, if asked
    for, the cache. Raises ``ValueError`` for shapes that do not fit and lengths outside [0, T].

    >>> y, h_n = rnn(x, w_ih, w_hh, lengths=numpy.array([3, 1, 2]), reverse=True)
    """
    return _core.rnn(x, w_ih, w_hh, b_ih, b_hh, h0, lengths, reverse, activation, return_cache)


def lstm_grad(grad_y, grad_h_n, grad_c_n, cache):
    """Gradients of :func:`lstm` from those of its three results, each of which may be None.

    Returns ``grad_x, grad_w_ih, grad_w_hh, grad_b_ih, grad_b_hh, grad_h0, grad_c0``; the gradient
    of a bias that the forward call did not have is None. Raises ``TypeError`` for a cache that
    :func:`lstm` did not make.
    """
    return _core.lstm_grad(grad_y, grad_h_n, grad_c_n, cache)


def gru_grad(grad_y, grad_h_n, cache):
    """Gradients of :func:`gru` from those of its two results, each of which may be None.

    Returns ``grad_x, grad_w_ih, grad_w_hh, grad_b_ih, grad_b_hh, grad_h0``; the gradient of a bias
    that the forward call did not have is None. Raises ``TypeError`` for a cache that :func:`gru`
    did not make.
    """
    return _core.gru_grad(grad_y, grad_h_n, cache)


def rnn_grad(grad_y, grad_h_n, cache):
    """Gradients of :func:`rnn`, taken and returned as by :func:`gru_grad`."""
    return _core.rnn_grad(grad_y, grad_h_n, cache)
