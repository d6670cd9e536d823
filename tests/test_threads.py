"""Calls from many Python threads, thread counts, the GIL, and Ctrl-C during a long call."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tatami
from support import assert_same_bits
from tatami import kernels as K


def test_many_python_threads_get_the_right_results():
    rng = np.random.default_rng(0)
    pairs = [
        (
            rng.standard_normal((40 + 13 * i, 200)).astype(np.float32),
            rng.standard_normal((200, 300 - i)).astype(np.float32),
        )
        for i in range(8)
    ]
    wanted = [(K.matmul(a, b), K.relu(a)) for a, b in pairs]

    def job(i):
        a, b = pairs[i % len(pairs)]
        return K.matmul(a, b), K.relu(a)

    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        for i, results in enumerate(executor.map(job, range(200))):
            for y, ref in zip(results, wanted[i % len(pairs)], strict=True):
                assert_same_bits(y, ref)


def test_thread_count_is_a_setting():
    tatami.set_num_threads(3)
    assert tatami.get_num_threads() == 3
    with tatami.threads(2):
        assert tatami.get_num_threads() == 2
        with tatami.threads(5):
            assert tatami.get_num_threads() == 5
        assert tatami.get_num_threads() == 2
    assert tatami.get_num_threads() == 3
    with pytest.raises(KeyError), tatami.threads(2):
        raise KeyError
    assert tatami.get_num_threads() == 3


@pytest.mark.parametrize("n", [0, -1, 10**9])
def test_impossible_thread_counts_are_value_errors(n):
    before = tatami.get_num_threads()
    with pytest.raises(ValueError, match=str(n)):
        tatami.set_num_threads(n)
    with pytest.raises(ValueError, match=str(n)), tatami.threads(n):
        pass
    assert tatami.get_num_threads() == before


def test_other_python_threads_run_during_a_long_call():
    """A thread that holds the GIL would let this one tick at most once a call."""
    a = np.ones((1500, 1500), np.float32)
    with tatami.threads(1):
        start = time.perf_counter()
        K.matmul(a, a)
        call = time.perf_counter() - start
        calls = max(3, int(0.5 / call))
        worker = threading.Thread(target=lambda: [K.matmul(a, a) for _ in range(calls)])
        worker.start()
        ticks = 0
        while worker.is_alive():
            time.sleep(call / 50)
            ticks += 1
        worker.join()
    assert ticks > 3 * calls, f"{ticks} ticks during {calls} calls"


INTERRUPTED = """
import os, signal, threading, time
import numpy as np
from tatami import kernels as K

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
a = np.random.default_rng(0).standard_normal((1200, 1200)).astype(np.float32)
wanted = K.matmul(a, a)
served = 0
for delay in (0.0, 0.003, 0.01, 0.03, 0.1):
    try:
        threading.Timer(0.05 + delay, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            K.matmul(a, a)
    except KeyboardInterrupt:
        served += 1
    assert np.array_equal(K.matmul(a, a), wanted), "a result after the interruption is wrong"
print("served", served)
"""


def test_ctrl_c_during_long_calls_is_served_and_corrupts_nothing():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "served 5", done.stderr


def test_a_terminated_process_ends_at_once():
    """No worker thread keeps the process alive."""
    code = (
        "import numpy as np; from tatami import kernels as K; print('ready', flush=True)\n"
        "a = np.ones((1000, 1000), np.float32)\n"
        "while True: K.matmul(a, a)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=30) == -signal.SIGTERM
    process.stdout.close()
