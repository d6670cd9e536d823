"""A kernel in the parent, a fork, a kernel in the child: no hang, the same bits."""

import os
import signal
import time
import warnings

import numpy as np
import pytest

import tatami
from tatami import kernels as K

LIMIT = 60  # seconds

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_child(check):
    """True when check() holds in a forked child, within the limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks with threads
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


def test_a_forked_child_computes():
    a = np.random.default_rng(0).standard_normal((300, 300)).astype(np.float32)
    wanted = K.matmul(a, a)

    def right():
        return np.array_equal(K.matmul(a, a), wanted)

    for threads in (2, 4):
        with tatami.threads(threads):
            for _ in range(5):
                assert right() and in_child(right) and right()


def test_a_grandchild_computes():
    a = np.random.default_rng(0).standard_normal((300, 300)).astype(np.float32)
    with tatami.threads(3):
        wanted = K.matmul(a, a)

        def right():
            return np.array_equal(K.matmul(a, a), wanted)

        assert in_child(lambda: right() and in_child(right))


def test_a_child_frees_and_reuses_its_parents_results():
    y = K.relu(np.ones(100_000, np.float32))

    def check():
        nonlocal y
        y = None
        z = K.relu(np.full(100_000, 2.0, np.float32))
        return bool((z == 2).all()) and tatami.memory.stats()["in_use"] > 0

    assert in_child(check)
    assert (y == 1).all()
