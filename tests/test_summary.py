"""The table of a network's layers."""

import numpy as np

import tatami
from tatami import functional as F
from tatami import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(None, 6, 5, padding=2),
        nn.BatchNorm2d(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(None, 10),
    )


def test_the_table():
    assert (
        str(nn.summary(lenet(), (2, 1, 28, 28)))
        == """\
Sequential of (2, 1, 28, 28)
───────────────────────────────────────────────────────────────────────
layer              output          parameters  multiply-adds     memory
───────────────────────────────────────────────────────────────────────
Sequential         (2, 10)
├─ 0: Conv2d       (2, 6, 28, 28)         156        235,200   36.8 KiB
├─ 1: BatchNorm2d  (2, 6, 28, 28)          12                  36.8 KiB
├─ 2: ReLU         (2, 6, 28, 28)                              36.8 KiB
├─ 3: MaxPool2d    (2, 6, 14, 14)                               9.2 KiB
├─ 4: Flatten      (2, 1176)
├─ 5: Dropout      (2, 1176)
└─ 6: Linear       (2, 10)             11,770         23,520       80 B
───────────────────────────────────────────────────────────────────────
total                                  11,938        258,720  119.5 KiB
weights 46.7 KiB"""
    )


def test_the_model_is_as_before(capsys):
    model = lenet().build((1, 1, 28, 28))
    before = model.state_dict()
    assert model.summary((4, 1, 28, 28)) is None
    assert capsys.readouterr().out.startswith("Sequential of (4, 1, 28, 28)\n")
    for name, a in model.state_dict().items():
        np.testing.assert_array_equal(a, before[name])
    assert all(m.training and "forward" not in vars(m) for m in model.modules())


def test_without_inputs_and_with_frozen_layers():
    model = nn.Sequential(nn.Linear(784, 15), nn.ReLU(), nn.Linear(15, 10, bias=False))
    model[2].requires_grad_(False)
    table = nn.summary(model)
    assert (table.parameters, table.frozen, table.outputs) == (11_925, 150, 0)
    assert "output" not in str(table) and "memory" not in str(table)
    assert str(table).endswith("weights 46.6 KiB, 150 parameters frozen")


def test_the_inputs_of_build_serve_again():
    model = lenet().build((5, 1, 28, 28))
    assert str(nn.summary(model)) == str(nn.summary(lenet(), (5, 1, 28, 28)))


def test_layers_used_twice_and_shared_weights():
    class Tied(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(4, 4)
            self.outer = nn.Linear(4, 4, bias=False)
            self.outer.weight = self.inner.weight
            self.unused = nn.ReLU()

        def forward(self, x):
            return F.relu(self.outer(self.inner(self.inner(x))))

    table = nn.summary(Tied(), (3, 4))
    assert (table.parameters, table.multiply_adds) == (20, 3 * 3 * 16)
    rows = {row.tree.split()[-1]: row for row in table.rows}
    assert [rows["Linear"].parameters, rows["ReLU"].shape] == [0, None]
    assert "inner: Linear x2" in str(table)
    assert table.outputs == 4 * 3 * 4 * 4


def test_work_of_every_kind_of_layer():
    for layer, shapes, work in [
        (nn.Linear(3, 5), [(2, 7, 3)], 2 * 7 * 15),
        (nn.Conv1d(4, 6, 3, groups=2), [(2, 4, 9)], 2 * 6 * 7 * 2 * 3),
        (nn.Conv2d(4, 6, (3, 1), 2), [(1, 4, 9, 9)], 6 * 4 * 5 * 4 * 3),
        (nn.DepthwiseConv2d(4, 3), [(1, 4, 9, 9)], 4 * 49 * 9),
        (nn.ConvTranspose2d(4, 6, 2, 2), [(1, 4, 5, 5)], 4 * 25 * 6 * 4),
        (nn.LSTM(3, 5, 2), [(7, 2, 3)], 14 * 20 * (3 + 5 + 5 + 5)),
        (nn.GRU(3, 5, bidirectional=True), [(7, 2, 3)], 14 * 2 * 15 * 8),
        (nn.RNNCell(3, 5), [(2, 3)], 2 * 5 * 8),
        (nn.MultiheadAttention(8, 2), [(5, 1, 8)], 5 * 8 * (4 * 8 + 2 * 5)),
        (nn.ReLU(), [(2, 3)], 0),
    ]:
        assert nn.summary(layer, *shapes).multiply_adds == work, layer


def test_calls_by_keyword():
    class Self(nn.Module):
        def __init__(self):
            self.attend = nn.MultiheadAttention(None, 2)

        def forward(self, x):
            return self.attend(query=x, key=x, value=x)[0]

    assert nn.summary(Self(), (5, 1, 8)).multiply_adds == 5 * 8 * (4 * 8 + 2 * 5)


def test_it_fits_a_narrow_terminal():
    tatami.manual_seed(0)
    block = lambda: nn.Sequential(nn.Conv2d(None, 512, 3), nn.InstanceNorm2d(), nn.LeakyReLU())  # noqa: E731
    table = nn.summary(nn.Sequential(block(), nn.Sequential(block())), (8, 3, 16, 16))
    assert max(map(len, str(table).splitlines())) <= 88
