"""No code compiled for one instruction set may be the linker's choice for another.

An inline function instantiated in the AVX-512 objects is a weak symbol, of which the linker keeps
one copy for everybody: an older processor would crash in it. So every symbol that an instruction
set's objects define lies in that set's own namespace.
"""

import os
import pathlib
import shutil
import subprocess

import pytest
from tatami import _core

REPOSITORY = pathlib.Path(__file__).parents[1]


def object_files(isa):
    """The objects of one instruction set, in the build folder of this checkout."""
    given = os.environ.get("TATAMI_BUILD_DIR")
    folders = [pathlib.Path(given)] if given else [REPOSITORY / "build"]
    found = [o for f in folders for o in f.rglob(f"tatami_{isa}.dir/**/*.o")]
    if not found:
        pytest.skip(f"no objects of {isa} below {folders[0]} (TATAMI_BUILD_DIR names a build)")
    return found


def defined_symbols(path):
    """(kind, name) of every symbol that others may link to."""
    listing = subprocess.run(
        ["nm", "--defined-only", "--extern-only", str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [line.split(maxsplit=2)[1:] for line in listing.splitlines() if line.strip()]


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm of the binutils")
@pytest.mark.parametrize("isa", _core.isas())
def test_objects_define_symbols_in_their_own_namespace_only(isa):
    namespace = f"6tatami{len(isa)}{isa}"  # as the names spell tatami::<isa>
    count = 0
    for path in object_files(isa):
        for kind, name in defined_symbols(path):
            count += 1
            assert namespace in name, f"{path.name} defines {name} (kind {kind})"
    assert count > 0
