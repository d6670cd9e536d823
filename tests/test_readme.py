"""Every line of Python in the README runs, from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


def test_python_blocks_run(capsys):
    if not README.exists():
        pytest.skip("no README beside the tests")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 6
    names = {}
    exec(compile("\n".join(blocks), str(README), "exec"), names)
    printed = capsys.readouterr().out
    assert "(32, 8, 14, 14)" in printed
    assert "conv2d: x has 3 channels but weight expects 2" in printed
    slope = 1 - np.tanh(0.5) ** 2
    np.testing.assert_allclose(names["first"].data, [slope])
    np.testing.assert_allclose(names["second"].data, [-2 * np.tanh(0.5) * slope])
