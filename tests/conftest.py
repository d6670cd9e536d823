"""Every test that asks for `isa` runs once for each instruction set that this machine has."""

import os

import pytest

import tatami
from tatami import _core

# avx512_bf16 is avx512 but for products of bfloat16: testing one of them tests both. TATAMI_ISA
# restricts the run to one set, as it restricts the library.
ISAS = [isa for isa in _core.isas() if isa != "avx512" or "avx512_bf16" not in _core.isas()]
ISAS = [os.environ["TATAMI_ISA"]] if os.environ.get("TATAMI_ISA") else ISAS


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
