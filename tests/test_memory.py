"""The memory pool, who owns results, and that nothing leaks."""

import gc
import pickle
import sys

import numpy as np
import pytest

import tatami
from cases import CASES
from support import resident_memory
from tatami import kernels as K
from tatami import memory


@pytest.fixture
def limit_as_before():
    before = memory.stats()["limit"]
    yield
    memory.set_limit(before)


def test_results_are_ordinary_arrays_that_own_their_memory():
    for size in (0, 1, 15, 1000, 10**6):
        y = K.relu(np.ones(size, np.float32))
        assert y.flags.owndata and y.base is None
        assert y.ctypes.data % 64 == 0
        assert pickle.loads(pickle.dumps(y)).shape == y.shape
    y.resize(2 * 10**6, refcheck=False)
    assert (y[: 10**6] == 1).all() and (y[10**6 :] == 0).all()


def test_statistics_follow_the_results():
    memory.release()
    gc.collect()
    before = memory.stats()
    assert set(before) == {"in_use", "cached", "peak", "limit", "hits", "misses"}
    y = K.relu(np.ones(10**6, np.float32))
    during = memory.stats()
    assert during["in_use"] - before["in_use"] >= 4 * 10**6
    assert during["peak"] >= during["in_use"]
    del y
    after = memory.stats()
    assert after["in_use"] == before["in_use"]
    assert after["cached"] >= 4 * 10**6
    place = K.relu(np.ones(10**6, np.float32)).ctypes.data
    assert K.relu(np.ones(10**6, np.float32)).ctypes.data == place, "freed blocks are reused"
    assert memory.stats()["hits"] >= after["hits"] + 2


def test_release_gives_cached_blocks_back():
    y = K.relu(np.ones(10**6, np.float32))
    K.relu(y)
    memory.release()
    assert memory.stats()["cached"] == 0
    assert (y == 1).all()


def test_the_limit_bounds_what_is_kept(limit_as_before):
    memory.set_limit(0)
    K.relu(np.ones(10**6, np.float32))
    assert memory.stats()["cached"] == 0
    assert memory.stats()["limit"] == 0
    memory.set_limit(10**7)
    results = [K.relu(np.ones(10**6, np.float32)) for _ in range(5)]
    del results
    assert memory.stats()["cached"] <= 10**7


def test_a_negative_limit_is_a_value_error(limit_as_before):
    with pytest.raises(ValueError, match="-1"):
        memory.set_limit(-1)


def first_cases():
    return list({case.name: case for case in reversed(CASES)}.values())


def test_ten_thousand_calls_leave_memory_as_it_was():
    """Python's blocks, the pool's bytes and the process's pages, each over 10^4 calls.

    A leak grows every time; what the interpreter and pytest keep on their own does not.
    """
    calls = [(case, case.inputs(np.float32, 1)) for case in first_cases()]
    rounds = -(-10_000 // len(calls))

    def measure():
        gc.collect()
        return np.array([sys.getallocatedblocks(), memory.stats()["in_use"], resident_memory()])

    def growth():
        before = measure()
        for _ in range(rounds):
            for case, arrays in calls:
                case.call(K, *arrays)
        return measure() - before

    growth()  # fills caches and pools
    blocks, in_use, pages = np.min([growth() for _ in range(8)], axis=0)
    assert blocks < rounds // 2, "Python objects leak"
    assert in_use <= 0, "pool blocks leak"
    assert pages < 2**20, "memory leaks"


def test_ten_thousand_errors_leave_memory_as_it_was():
    a, b = np.ones((3, 4), np.float32), np.ones((5, 6), np.float32)

    def repeat(times):
        for _ in range(times):
            try:
                K.matmul(a, b)
            except ValueError:
                continue
            raise AssertionError("these shapes do not fit")

    repeat(200)
    before, pages = sys.getallocatedblocks(), resident_memory()
    repeat(10_000)
    assert sys.getallocatedblocks() - before < 1000
    assert resident_memory() - pages < 2 * 2**20


def available_memory():
    with open("/proc/meminfo") as f:
        lines = dict(line.split(":") for line in f)
    return int(lines["MemAvailable"].split()[0]) * 1024


@pytest.mark.slow
def test_more_than_two_to_the_31_elements_and_bytes():
    """One pooled result of 8.6 GB, made by a gather and rectified in place: 10 GB are enough."""
    if available_memory() < 11 * 2**30:
        pytest.skip("needs 11 GiB of free memory")
    width = 4096
    rows = 2**31 // width + 3
    table = np.arange(-4, 4, dtype=np.float32)[:, None] * np.ones(width, np.float32)
    indices = np.arange(rows) % 8
    try:
        y = K.embedding(indices, table)
        assert y.size > 2**31
        for row in (0, 2**30 // width, 2**31 // width, rows - 1):
            assert (y[row] == row % 8 - 4).all()
        assert K.relu(y, out=y) is y
        for row in (0, 2**30 // width, 2**31 // width, rows - 1):
            assert (y[row] == max(row % 8 - 4, 0)).all()
    finally:
        y = None
        memory.release()
    assert tatami.memory.stats()["cached"] == 0
