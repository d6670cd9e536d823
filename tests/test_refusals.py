"""What is said, by whom, where shapes, axes, indices or states do not fit."""

import numpy as np
import pytest

import tatami.functional as F
from tatami import Tensor, nn
from tatami.autograd import Op

X, Y = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)
INDICES = np.zeros((2, 3), np.int64)
BY_NUMPY = {
    "add": (lambda x: x + Y, r"broadcast together .*\(shapes \[\(2, 3\), \(2, 4\)\]\)"),
    "concatenate": (lambda x: F.concatenate([x, Y]), r"dimension 1.*\[\(2, 3\), \(2, 4\)\]"),
    "einsum": (lambda x: F.einsum("ij,jk->ik", x, Y), r"label 'j'.*\[\(2, 3\), \(2, 4\)\]"),
    "getitem": (lambda x: x[0, 0, 0], r"too many indices.*\[\(2, 3\)\]"),
    "max": (lambda x: F.max(x[:0]), r"no identity.*\[\(0, 3\)\]"),
    "reshape": (lambda x: x.reshape(4, 2), r"\(4,2\).*\[\(2, 3\)\]"),
    "sum": (lambda x: x.sum(5), r"axis 5 .*\[\(2, 3\)\]"),
    "where": (lambda x: F.where(X > 0, x, Y), r"\[\(2, 3\), \(2, 3\), \(2, 4\)\]"),
}
OUR_OWN = [
    (lambda x: F.chunk(x, 0), "chunk: chunks must be at least 1, not 0"),
    (lambda x: F.chunk(x, 2, 4), "chunk: axis 4 is out of bounds"),
    (lambda x: F.concatenate([x, x], None), "concatenate: 'NoneType' object"),
    (lambda x: F.expand_dims(x, 5), "expand_dims: axis 5"),
    (lambda x: F.flatten(x, 1, 0), r"flatten: of x \(2, 3\), axis 1 comes after axis 0"),
    (lambda x: F.flatten(x, 7), "flatten: axis 7 is out of bounds"),
    (lambda x: F.flip(x, 4), "flip: axis 4"),
    (lambda x: F.gather(x, 4, INDICES), "gather: axis 4"),
    (lambda x: F.moveaxis(x, 0, 5), "moveaxis: destination: axis 5"),
    (lambda x: F.pad(x, 1), "pad: 1 must be a pair of widths for at most 2 axes"),
    (lambda x: F.pad(x, (-2, -2)), r"pad: cannot crop \(-2, -2\) from axis 1 of x \(2, 3\)"),
    (lambda x: F.prod(x, 4), "prod: axis 4"),
    (lambda x: F.scatter_add(x, 4, INDICES, X), "scatter_add: axis 4"),
    (lambda x: F.sort(x, 4), "sort: axis 4"),
    (lambda x: F.split(x, 2, 4), "split: axis 4"),
    (lambda x: F.squeeze(x, 4), "squeeze: axis 4"),
    (lambda x: F.stack([x, Y]), r"stack: shapes \(2, 3\), \(2, 4\) differ"),
    (lambda x: F.swapaxes(x, 0, 4), "swapaxes: axis 4"),
    (lambda x: F.take_along_axis(x, INDICES, 4), "take_along_axis: axis 4"),
    (
        lambda x: F.take_along_axis(x, np.zeros((4, 3), np.int64), 1),
        r"take_along_axis: x \(2, 3\) and indices \(4, 3\) do not broadcast .* other than 1",
    ),
]

SEQUENCE, STATE = np.zeros((5, 2, 8), np.float32), np.zeros((1, 2, 4), np.float32)
LAYERS = [
    (lambda: _attend(SEQUENCE[:, 0]), r"query \(5, 8\), key \(5, 8\) .* a batch axis"),
    (lambda: _attend(SEQUENCE, SEQUENCE[:, :1]), r"query \(5, 2, 8\), key \(5, 1, 8\)"),
    (lambda: _attend(SEQUENCE, SEQUENCE, SEQUENCE[1:]), r"value \(4, 2, 8\)"),
    (lambda: _attend(SEQUENCE, attn_mask=np.ones((4, 4))), r"\(5, 5\) or \(4, 5, 5\), got"),
    (lambda: _attend(SEQUENCE, attn_mask=np.ones((3, 5, 5))), r"attn_mask .* \(3, 5, 5\)"),
    (lambda: _attend(SEQUENCE, key_padding_mask=np.ones((3, 5))), r"\(2, 5\), got shape \(3, 5\)"),
    (lambda: nn.LSTM(8, 4)(SEQUENCE, STATE), r"LSTM: .* a pair \(h_0, c_0\)"),
    (lambda: nn.LSTM(8, 4)(SEQUENCE, (STATE,)), r"LSTM: .* a pair \(h_0, c_0\)"),
    (lambda: nn.LSTMCell(8, 4)(SEQUENCE[0], STATE[0]), r"LSTMCell: .* a pair"),
    (lambda: nn.GlobalAvgPool2d()(SEQUENCE), r"GlobalAvgPool2d: .* got shape \(5, 2, 8\)"),
    (
        lambda: nn.Conv2d(1, 1, 3, 1, "all", padding_mode="reflect")(np.ones((1, 1, 4, 4), "f")),
        "Conv2d: padding is 'all'",
    ),
]


def _attend(*args, **masks):
    return nn.MultiheadAttention(8, 2)(*args, **masks)


@pytest.mark.parametrize("call, says", LAYERS)
def test_layers_refuse_by_their_own_name(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("name", BY_NUMPY)
def test_errors_of_numpy_name_the_operation_and_all_shapes(name):
    call, says = BY_NUMPY[name]
    with pytest.raises((ValueError, IndexError), match=rf"^{name}: .*{says}"):
        call(Tensor(X, requires_grad=True))


@pytest.mark.parametrize("call, says", OUR_OWN)
def test_axes_and_widths_that_do_not_exist(call, says):
    with pytest.raises((ValueError, IndexError, TypeError), match=f"^{says}"):
        call(Tensor(X, requires_grad=True))


def test_other_errors_of_a_raw_function_come_through_as_they_are():
    class Own(ValueError):
        def __init__(self, one, other):
            super().__init__(f"{one} {other}")

    def raw(x):
        raise kinds.pop()

    own, key = Own("a", "b"), KeyError("k")
    kinds = [own, key, ValueError("mine: not twice"), ValueError("short")]
    op = Op(raw, name="mine")
    for error, says in (
        (ValueError, r"^mine: short \(shapes \[\(2, 3\)\]\)$"),
        (ValueError, "^mine: not twice$"),
        (KeyError, "^'k'$"),
        (Own, "^a b$"),
    ):
        with pytest.raises(error, match=says) as caught:
            op(X)
        assert caught.traceback[-1].name == "raw"  # where it was raised
    assert caught.value is own
