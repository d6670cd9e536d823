"""The command line, in processes of its own."""

import os
import subprocess
import sys

import pytest

import tatami
from tatami import nn


def run(*args, code=None, **environment):
    start = ["-c", code] if code else ["-m", "tatami"]
    return subprocess.run(
        [sys.executable, *start, *args],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_info_says_what_is_here():
    done = run("info", TATAMI_NUM_THREADS="3")
    assert done.returncode == 0 and done.stderr == ""
    rows = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert rows["tatami"].strip() == tatami.__version__
    assert rows["threads"].strip() == "3"
    assert tatami.isa() in rows["instruction set"]
    assert {"CUDA", "memory pool"} <= set(rows)


def test_version_and_help():
    assert run("--version").stdout == f"tatami {tatami.__version__}\n"
    top = run("--help").stdout
    for command in ("demo", "example", "bench", "info"):
        assert command in top
        done = run(command, "--help")
        assert done.returncode == 0 and "usage: tatami" in done.stdout
    assert "--seeds" in run("demo", "--help").stdout


@pytest.mark.parametrize(
    "args, what",
    [
        ((), "command"),
        (("dance",), "dance"),
        (("demo", "--seeds", "0"), "at least 1"),
        (("demo", "--epochs", "many"), "--epochs"),
    ],
)
def test_wrong_arguments_are_errors_without_a_traceback(args, what):
    done = run(*args)
    assert done.returncode == 2 and done.stdout == ""
    assert what in done.stderr and "Traceback" not in done.stderr


def test_a_missing_extra_is_named():
    code = (
        "import sys; sys.modules['sklearn'] = None; sys.argv[0] = 'tatami'\n"
        "from tatami.__main__ import main; sys.exit(main())"
    )
    done = run("demo", code=code)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "tatami demo: sklearn missing: pip install tatami[demo]\n"


def test_demo_in_short(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    done = run("demo", "--quick", "--epochs", "4", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "\r" not in done.stdout
    lines = done.stdout.splitlines()
    epochs = [line for line in lines if "Epoch" in line and "images/s" in line]
    assert len(epochs) == 4 and "4/4" in epochs[-1]
    (result,) = [line for line in lines if line.startswith("test accuracy")]
    assert float(result.split()[2].rstrip("%")) > 90
    assert any(line.startswith("max pooling") for line in lines)
    weights = nn.load_file(tmp_path / "out" / "weights.safetensors")
    assert weights["0.weight"].shape == (16, 1, 3, 3)
    for name in ("curves.png", "confusion.png"):
        assert (tmp_path / "out" / name).read_bytes()[:4] == b"\x89PNG"


def test_a_folder_that_cannot_be_is_an_error(tmp_path):
    pytest.importorskip("sklearn")
    (tmp_path / "file").write_text("")
    done = run("demo", "--quick", "--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("tatami demo: ")
