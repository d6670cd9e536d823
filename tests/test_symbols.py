"""No code compiled for one instruction set may be the linker's choice for another.

An inline function instantiated in the AVX-512 objects is a weak symbol, of which the linker keeps
one copy for everybody: an older processor would crash in it. So every symbol that an instruction
set's objects define lies in that set's own namespace. And what runs before a set is chosen holds
no instruction that an older processor lacks.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

from tatami import _core

REPOSITORY = pathlib.Path(__file__).parents[1]


# An instruction in AVX's coding, or one that names a wider register.
AVX = re.compile(r"^ *[0-9a-f]+:\s+(v[a-z0-9]+ .*|.*%[yz]mm\d+.*)$", re.MULTILINE)


def machine(path):
    """The processor that an ELF file is for (its header's e_machine)."""
    with open(path, "rb") as file:
        return file.read(20)[18:]


def object_files(target):
    """The objects of one CMake target in all builds of this checkout for this processor: a cross
    build may lie beside them."""
    folder = pathlib.Path(os.environ.get("TATAMI_BUILD_DIR", REPOSITORY / "build"))
    objects = folder.rglob(f"{target}.dir/**/*.o")
    found = [o for o in objects if machine(o) == machine(_core.__file__)]
    if not found:
        pytest.skip(f"no objects of {target} below {folder} (TATAMI_BUILD_DIR names a build)")
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
    for path in object_files(f"tatami_{isa}"):
        for kind, name in defined_symbols(path):
            count += 1
            assert namespace in name, f"{path.name} defines {name} (kind {kind})"
    assert count > 0


def avx_instructions(path):
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [match.group(1) for match in AVX.finditer(listing)]


@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump of the binutils")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX is x86's")
@pytest.mark.parametrize("target", ["tatami_portable", "tatami_core", "_core"])
def test_what_every_processor_runs_holds_no_avx(target):
    for path in object_files(target):
        assert not avx_instructions(path), path.name


@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump of the binutils")
@pytest.mark.skipif("avx2" not in _core.isas(), reason="nothing here to find")
def test_avx_is_found_where_it_is():
    assert any(avx_instructions(path) for path in object_files("tatami_avx2"))
