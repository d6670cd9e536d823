"""Worker processes as objects: one library each, all with the same number of threads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

# Loads this package by its place alone, so that the interpreter of a peer needs no tatami.
BOOT = """
import importlib.util, sys
folder, name, threads, device = sys.argv[1:]
spec = importlib.util.spec_from_file_location(
    "tatami_bench", folder + "/__init__.py", submodule_search_locations=[folder])
module = importlib.util.module_from_spec(spec)
sys.modules["tatami_bench"] = module
spec.loader.exec_module(module)
from tatami_bench.worker import main
main(name, threads, device)
"""
THREADS = ("TATAMI", "OMP", "OPENBLAS", "MKL")


class Failure(Exception):
    """What a worker could not do."""


class Client:
    """A worker process, stopped between its turns: idle threads of some libraries spin for a while
    and would take a core from the next one.
    """

    def __init__(self, name: str, threads: int, python: str = sys.executable, device: str = "cpu"):
        self.name = name
        environment = os.environ | {f"{key}_NUM_THREADS": str(threads) for key in THREADS}
        self.process = subprocess.Popen(
            [python, "-c", BOOT, str(Path(__file__).parent), name, str(threads), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def __call__(self, do: str, **arguments):
        try:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure(f"the process of {self.name} ended ({self.process.wait()})")
        self.process.send_signal(signal.SIGSTOP)
        reply = json.loads(line)
        if "error" in reply:
            raise Failure(reply["error"])
        return reply

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
