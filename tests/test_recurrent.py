"""Recurrent layers beyond the table: sequences equal cells, lengths, caches, empties, errors."""

import numpy as np
import pytest

import reference as R
import tatami
from sources import Source
from support import assert_close, assert_same_bits
from tatami import kernels as K

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
every_layer = pytest.mark.parametrize("name", GATES)
every_variant = pytest.mark.parametrize(
    ("name", "options"),
    [("lstm", {}), ("gru", {}), ("gru", {"reset_after": False}), ("rnn", {"activation": "relu"})],
)


def layer(name, steps, batch, inputs, hidden, dtype=np.float32, seed=0):
    """x, the four parameters, and the first states of a layer."""
    source = Source(seed)
    rows = GATES[name] * hidden
    scale = 1 / np.sqrt(max(hidden, 1))
    arrays = [
        source(steps, batch, inputs),
        *(scale * source(rows, inner) for inner in (inputs, hidden)),
        *(scale * source(rows) for _ in range(2)),
        *(source(batch, hidden) for _ in range(2 if name == "lstm" else 1)),
    ]
    return [a.astype(dtype) for a in arrays]


def run(name, arrays, K=K, **options):
    return getattr(K, name)(*arrays, **options)


def magnitude(arrays):
    """The largest sum of absolute values before a gate, as in the table's cases."""
    x, w_ih, w_hh = (np.abs(a.astype(np.float64)) for a in arrays[:3])
    before = (x @ w_ih.T).max(initial=0) + w_hh.sum(axis=1).max(initial=0) + 4
    return 2 * before


@every_layer
def test_sizes_around_the_vector_width(name, isa):
    """Forward and backward against the reference, for few and many rows and columns."""
    sizes = ((1, 1, 1), (3, 7, 8), (4, 5, 9), (5, 17, 15), (8, 16, 16), (20, 3, 33), (2, 40, 65))
    for dtype in (np.float32, np.float64):
        for batch, inputs, hidden in sizes:
            arrays = layer(name, 4, batch, inputs, hidden, dtype)
            label = f"{name} {batch} {inputs} {hidden}"
            *mine, cache = run(name, arrays, return_cache=True)
            *wanted, kept = run(name, arrays, R, return_cache=True)
            for y, ref in zip(mine, wanted, strict=True):
                assert_close(y, ref, magnitude(arrays) * (1 + np.abs(ref).max()), label)
            grads = [Source(7)(*y.shape).astype(dtype) for y in mine]
            found = getattr(K, f"{name}_grad")(*grads, cache)
            for g, ref in zip(found, getattr(R, f"{name}_grad")(*grads, kept), strict=True):
                assert_close(g, ref, magnitude(arrays) * np.abs(ref).max(), label)


@pytest.mark.parametrize("reverse", [False, True])
@every_variant
def test_sizes_that_are_multiples_of_nothing(name, options, reverse, isa):
    """Units and rows that are shared out among blocks, and rows that end on their way or at once;
    the last size is too large for a block of the emulated GPU to keep its weights."""
    sizes = ((3, 9, 2, 70), (4, 1, 3, 37), (1, 6, 2, 45), (0, 3, 2, 41), (3, 19, 4, 13))
    for steps, batch, inputs, hidden in (*sizes, (2, 3, 2, 161)):
        arrays = layer(name, steps, batch, inputs, hidden)
        label = f"{steps} {batch} {inputs} {hidden}"
        settings = {"lengths": np.arange(batch) % (steps + 1), "reverse": reverse, **options}
        *mine, cache = run(name, arrays, return_cache=True, **settings)
        *wanted, kept = run(name, arrays, R, return_cache=True, **settings)
        for y, ref in zip(mine, wanted, strict=True):
            assert_close(y, ref, magnitude(arrays) * (1 + np.abs(ref).max(initial=0)), label)
        grads = [Source(7)(*y.shape).astype(np.float32) for y in mine]
        found = getattr(K, f"{name}_grad")(*grads, cache)
        for g, ref in zip(found, getattr(R, f"{name}_grad")(*grads, kept), strict=True):
            assert_close(g, ref, magnitude(arrays) * np.abs(ref).max(initial=0), label)


@pytest.mark.skipif(tatami.isa() == "cuda", reason="a GPU keeps the gradients of all steps")
@pytest.mark.parametrize("reverse", [False, True])
@every_variant
def test_gradients_of_many_rows_are_summed_stretch_by_stretch(name, options, reverse, isa):
    """More gradients of gates than are kept at once: 4 MB. Same bits on one thread and on two."""
    steps, batch, inputs, hidden = 40, 600, 7, 40
    arrays = layer(name, steps, batch, inputs, hidden)
    settings = {"lengths": np.arange(batch) % (steps + 1), "reverse": reverse, **options}
    *mine, cache = run(name, arrays, return_cache=True, **settings)
    *_, kept = run(name, arrays, R, return_cache=True, **settings)
    grads = [Source(7)(*y.shape).astype(np.float32) for y in mine]
    tatami.set_num_threads(1)
    found = getattr(K, f"{name}_grad")(*grads, cache)
    tatami.set_num_threads(2)
    for a, b in zip(getattr(K, f"{name}_grad")(*grads, cache), found, strict=True):
        assert_same_bits(a, b)
    for g, ref in zip(found, getattr(R, f"{name}_grad")(*grads, kept), strict=True):
        assert_close(g, ref, magnitude(arrays) * np.abs(ref).max())


@every_layer
def test_a_sequence_is_its_cells(name, isa):
    x, w_ih, w_hh, b_ih, b_hh, *state = arrays = layer(name, 6, 5, 12, 20)
    y, *last = run(name, arrays)
    for t in range(6):
        new = getattr(K, f"{name}_cell")(x[t], *state, w_ih, w_hh, b_ih, b_hh)
        state = list(new) if isinstance(new, tuple) else [new]
        assert_close(y[t], state[0].astype(np.float64), magnitude(arrays), f"step {t}")
    for a, b in zip(last, state, strict=True):
        assert_close(a, b.astype(np.float64), magnitude(arrays))


@every_layer
def test_a_batch_of_two_is_two_batches_of_one(name, isa):
    arrays = layer(name, 6, 2, 12, 20)
    y, *last = run(name, arrays)
    x, *parameters, states = arrays[0], *arrays[1:5], arrays[5:]
    for n in range(2):
        one = run(name, [x[:, n : n + 1], *parameters, *(s[n : n + 1] for s in states)])
        assert_close(one[0], y[:, n : n + 1].astype(np.float64), magnitude(arrays))
        for a, b in zip(one[1:], last, strict=True):
            assert_close(a, b[n : n + 1].astype(np.float64), magnitude(arrays))


@every_layer
def test_reverse_is_the_sequence_read_backwards(name, isa):
    arrays = layer(name, 6, 3, 12, 20)
    y, *last = run(name, arrays, reverse=True)
    again, *end = run(name, [arrays[0][::-1], *arrays[1:]])
    np.testing.assert_array_equal(y, again[::-1])
    for a, b in zip(last, end, strict=True):
        np.testing.assert_array_equal(a, b)


@every_variant
@pytest.mark.parametrize("reverse", [False, True])
def test_lengths_are_sequences_of_their_own(name, options, reverse, isa):
    """What lies past a row's end is never used, whatever it holds; outputs there are 0."""
    lengths = np.array([5, 0, 1, 3, 5])
    arrays = layer(name, 5, 5, 12, 20)
    x, parameters, states = arrays[0], arrays[1:5], arrays[5:]
    for n, length in enumerate(lengths):
        x[length:, n] = np.nan
    settings = {"reverse": reverse, **options}
    *mine, cache = run(name, arrays, lengths=lengths, return_cache=True, **settings)
    y, last = mine[0], mine[1:]
    finite = [np.nan_to_num(x), *arrays[1:]]
    *_, finite_cache = run(name, finite, lengths=lengths, return_cache=True, **settings)
    gradient = getattr(K, f"{name}_grad")
    grads = [np.ones_like(a) for a in mine]
    found = gradient(*grads, cache)
    for a, b in zip(found, gradient(*grads, finite_cache), strict=True):
        np.testing.assert_array_equal(a, b)
    for n, length in enumerate(lengths):
        assert not y[length:, n].any()
        assert not found[0][length:, n].any(), "x past the end has no gradient"
        row = [finite[0][:length, n : n + 1], *parameters, *(s[n : n + 1] for s in states)]
        if length == 0:
            for a, b in zip(last, states, strict=True):
                np.testing.assert_array_equal(a[n], b[n])
            continue
        alone, *end = run(name, row, **settings)
        bound = magnitude(finite)
        assert_close(y[:length, n], alone[:, 0].astype(np.float64), bound)
        for a, b in zip(last, end, strict=True):
            assert_close(a[n], b[0].astype(np.float64), bound)


@every_layer
def test_any_integer_type_of_lengths(name):
    arrays = layer(name, 4, 3, 5, 6)
    wanted = run(name, arrays, lengths=np.array([1, 4, 2]))
    for dtype in (np.int32, np.uint8, np.int16):
        found = run(name, arrays, lengths=np.array([1, 4, 2], dtype))
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@every_layer
def test_absent_gradients_are_zeros(name, isa):
    arrays = layer(name, 4, 3, 5, 6, np.float64)
    *outputs, cache = run(name, arrays, return_cache=True)
    backward = getattr(K, f"{name}_grad")
    full = [Source(3)(*y.shape) for y in outputs]
    for absent in range(len(full)):
        zeroed = [np.zeros_like(g) if i == absent else g for i, g in enumerate(full)]
        without = [None if i == absent else g for i, g in enumerate(full)]
        for a, b in zip(backward(*without, cache), backward(*zeroed, cache), strict=True):
            np.testing.assert_array_equal(a, b)
    for g in backward(*[None] * len(full), cache):
        assert not g.any()


@every_layer
def test_absent_states_and_biases_are_zeros(name, isa):
    arrays = layer(name, 4, 3, 5, 6)
    zeros = [*arrays[:3], *(np.zeros_like(a) for a in arrays[3:])]
    *wanted, _ = run(name, zeros, return_cache=True)
    *found, cache = run(name, arrays[:3], return_cache=True)
    for a, b in zip(found, wanted, strict=True):
        assert_close(a, b.astype(np.float64), magnitude(arrays))
    grads = getattr(K, f"{name}_grad")(*(np.ones_like(y) for y in found), cache)
    assert grads[3] is None and grads[4] is None
    assert all(g.shape == (3, 6) for g in grads[5:])


@every_layer
def test_a_cache_serves_many_times_and_keeps_its_inputs(name):
    arrays = layer(name, 4, 3, 5, 6)
    *outputs, cache = run(name, arrays, return_cache=True)
    grads = [np.ones_like(y) for y in outputs]
    first = getattr(K, f"{name}_grad")(*grads, cache)
    for y in outputs:
        y[...] = np.nan
    del arrays, outputs
    for a, b in zip(getattr(K, f"{name}_grad")(*grads, cache), first, strict=True):
        np.testing.assert_array_equal(a, b)


@every_layer
def test_saturated_gates_stay_finite(name, isa):
    for dtype in (np.float32, np.float64):
        arrays = layer(name, 5, 3, 4, 17, dtype)
        arrays[0][...] = np.where(arrays[0] > 0, 1e30, -1e30)
        *outputs, cache = run(name, arrays, return_cache=True)
        grads = getattr(K, f"{name}_grad")(*(np.ones_like(y) for y in outputs), cache)
        assert all(np.isfinite(y).all() for y in outputs)
        assert np.isfinite(grads[0]).all() and np.isfinite(grads[2]).all()


@every_layer
def test_nan_stays_in_its_row(name, isa):
    arrays = layer(name, 5, 4, 6, 17)
    arrays[0][2, 1, 3] = np.nan
    y = run(name, arrays)[0]
    assert np.isnan(y[2:, 1]).all()
    assert np.isfinite(y[:2]).all() and np.isfinite(y[:, [0, 2, 3]]).all()


@every_layer
def test_empty_steps_batches_and_inputs(name, isa):
    for steps, batch, inputs in ((0, 3, 5), (4, 0, 5), (4, 3, 0)):
        arrays = layer(name, steps, batch, inputs, 6)
        *outputs, cache = run(name, arrays, return_cache=True)
        *wanted, kept = run(name, arrays, R, return_cache=True)
        for y, ref in zip(outputs, wanted, strict=True):
            assert_close(y, ref, magnitude(arrays))
        ones = [np.ones_like(y) for y in outputs]
        found = getattr(K, f"{name}_grad")(*ones, cache)
        for g, ref in zip(found, getattr(R, f"{name}_grad")(*ones, kept), strict=True):
            assert_close(g, ref, magnitude(arrays) * np.abs(ref).max(initial=0))


def test_gru_forms_differ_by_where_the_reset_gate_stands():
    arrays = layer("gru", 3, 2, 4, 5, np.float64)
    after, before = run("gru", arrays)[0], run("gru", arrays, reset_after=False)[0]
    assert not np.allclose(after, before)
    plain = layer("gru", 1, 2, 4, 5, np.float64)
    plain[4][...] = 0
    plain[5][...] = 0
    np.testing.assert_allclose(run("gru", plain)[0], run("gru", plain, reset_after=False)[0])


@pytest.mark.parametrize(
    ("position", "shape", "says"),
    [
        (0, (4, 5), ("x", "(4, 5)", "(T, N, I)")),
        (1, (24, 6), ("w_ih", "(24, 6)", "(24, 5)")),
        (1, (23, 5), ("w_ih", "(23, 5)")),
        (2, (23, 6), ("w_hh", "(23, 6)")),
        (2, (24,), ("w_hh", "(24")),
        (3, (6,), ("b_ih", "(6", "(24,)")),
        (4, (24, 1), ("b_hh", "(24, 1)")),
        (5, (3, 5), ("h0", "(3, 5)", "(3, 6)")),
        (6, (2, 6), ("c0", "(2, 6)", "(3, 6)")),
    ],
)
def test_shape_errors_name_everything(position, shape, says):
    arrays = layer("lstm", 4, 3, 5, 6)
    arrays[position] = np.ones(shape, np.float32)
    with pytest.raises(ValueError, match=r"^lstm: ") as caught:
        K.lstm(*arrays)
    for part in says:
        assert part in str(caught.value), caught.value


@every_layer
@pytest.mark.parametrize("lengths", [[1, 5, 2], [1, -1, 2], [1, 2], [[1, 2, 3]]])
def test_impossible_lengths_are_value_errors(name, lengths):
    with pytest.raises(ValueError, match=rf"^{name}: lengths"):
        run(name, layer(name, 4, 3, 5, 6), lengths=np.array(lengths))


@every_layer
def test_other_caches_are_type_errors(name):
    other = "gru" if name != "gru" else "rnn"
    *_, cache = run(other, layer(other, 4, 3, 5, 6), return_cache=True)
    grads = [None] * (3 if name == "lstm" else 2)
    for wrong in (cache, None, 3, object()):
        with pytest.raises(TypeError, match=rf"^{name}_grad: cache"):
            getattr(K, f"{name}_grad")(*grads, wrong)


@every_layer
def test_gradients_check_their_shapes_and_dtypes(name):
    *outputs, cache = run(name, layer(name, 4, 3, 5, 6), return_cache=True)
    rest = [None] * (len(outputs) - 1)
    with pytest.raises(ValueError, match=rf"^{name}_grad: grad_y .*\(4, 3, 7\).*\(4, 3, 6\)"):
        getattr(K, f"{name}_grad")(np.ones((4, 3, 7), np.float32), *rest, cache)
    with pytest.raises(ValueError, match=rf"^{name}_grad: grad_h_n .*\(6, 3\).*\(3, 6\)"):
        getattr(K, f"{name}_grad")(None, np.ones((6, 3), np.float32), *rest[1:], cache)
    with pytest.raises(TypeError, match=rf"^{name}_grad: .*float64.*float32|float32.*float64"):
        getattr(K, f"{name}_grad")(np.ones((4, 3, 6)), *rest, cache)


def test_rnn_activations():
    arrays = layer("rnn", 3, 2, 4, 5)
    assert (run("rnn", arrays, activation="relu")[0] >= 0).all()
    for name, call in (("rnn", run), ("rnn_cell", None)):
        with pytest.raises((ValueError, TypeError), match=rf"^{name}: activation .*'sin'"):
            if call:
                run("rnn", arrays, activation="sin")
            else:
                K.rnn_cell(arrays[0][0], arrays[5], *arrays[1:5], activation="sin")
