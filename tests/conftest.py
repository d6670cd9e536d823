"""Every test that asks for `isa` runs once for each instruction set that this machine has."""

import os

import pytest

import tatami
from tatami import _core

# TATAMI_ISA restricts the run to one set, as it restricts the library.
ISAS = [os.environ["TATAMI_ISA"]] if os.environ.get("TATAMI_ISA") else _core.isas()


@pytest.fixture(params=ISAS)
def isa(request):
    before = tatami.isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture(autouse=True)
def threads_as_before():
    """No test leaves another thread count behind."""
    before = tatami.get_num_threads()
    yield
    tatami.set_num_threads(before)
