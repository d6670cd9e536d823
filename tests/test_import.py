"""What importing tatami brings with it, and what the environment says."""

import os
import subprocess
import sys

import pytest

import tatami
from tatami import _core


def python(code, **environment):
    """Runs code in a fresh interpreter; its standard output, or the last line of its error."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().split("\n")[-1]


def test_the_raw_api_loads_nothing_above_it():
    loaded = python("import sys, tatami.kernels; print(*sys.modules)").split()
    assert "tatami.kernels" in loaded
    layers = {"autograd", "functional", "nn", "optim", "training", "data", "models"}
    assert not {f"tatami.{layer}" for layer in layers} & set(loaded)


def test_importing_tatami_loads_no_layer_above_the_raw_api():
    loaded = python("import sys, tatami; print(*sys.modules)").split()
    assert not {"tatami.autograd", "tatami.nn"} & set(loaded)


def test_importing_everything_public_loads_no_optional_dependency():
    loaded = {
        name.split(".")[0] for name in python("import sys, tatami; print(*sys.modules)").split()
    }
    assert not loaded & {"matplotlib", "sklearn", "scipy", "cupy", "torch", "tqdm", "pandas"}


def test_public_names_exist():
    for name in tatami.__all__:
        assert hasattr(tatami, name), name
    assert tatami.__version__.count(".") == 2
    assert tatami.isa() in _core.isas()


@pytest.mark.parametrize("name", _core.isas())
def test_environment_chooses_the_instruction_set(name):
    assert python("import tatami; print(tatami.isa())", TATAMI_ISA=name) == name


def test_an_unknown_instruction_set_is_an_import_error():
    text = python("import tatami", TATAMI_ISA="mmx")
    assert "Error" in text and "mmx" in text and "TATAMI_ISA" in text, text
    assert _core.isas()[-1] in text, "the message lists what there is"


def test_environment_chooses_the_number_of_threads():
    code = "import tatami; print(tatami.get_num_threads())"
    assert python(code, TATAMI_NUM_THREADS="3", OMP_NUM_THREADS="5") == "3"
    assert python(code, TATAMI_NUM_THREADS="", OMP_NUM_THREADS="5") == "5"
