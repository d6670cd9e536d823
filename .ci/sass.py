#!/usr/bin/env python3
"""What ptxas made of the kernels: .ci/sass.py LIBRARY disassembles it, and says what is wrong.

Needs cuobjdump and nvdisasm, on PATH or of the packages nvidia-cuda-cuobjdump and -nvdisasm; where
they are not at hand it says so, and nothing is wrong.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HALF = "(4Half|8Bfloat16)"
# Of these kernels, by their mangled names, from the GPU on: instructions that each must have.
WANTED = (
    (80, f"gemm_kernel.*MmaLoopINS_{HALF}", ("HMMA", "LDSM")),
    (80, "gemm_kernel.*MmaLoop(?!.*PhaseWeight)", ("HMMA", "LDGSTS")),
    (80, f"persistent_kernelINS_{HALF}", ("HMMA", "LDSM")),
    (75, "(map_runs|step)_kernelI", (r"LDG\S*\.128", r"STG\S*\.128")),
    (75, "map_kernelI", (r"STG\S*\.128",)),
    (75, "(sum|square)_chunksI", (r"LDG\S*\.128",)),
    (75, f"held_(for|back)wardINS0_\\w+TeamELi8E\\w+NS_{HALF}", (r"LDG\S*\.128", r"STG\S*\.128")),
)
# Registers that did not suffice, or an array whose index is not known when it is compiled.
LOCAL = ("LDL", "STL")

FUNCTION = re.compile(r"\.text\.(\S+):$")
INSTRUCTION = re.compile(r"\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)")


def tool(name):
    packages = (p for folder in sys.path for p in Path(folder or ".").glob(f"nvidia/*/bin/{name}"))
    return shutil.which(name) or next((str(p) for p in packages), None)


def kernels(disassembler, cubin):
    """Name -> instructions that a cubin has."""
    text = subprocess.run([disassembler, "-c", cubin], capture_output=True, text=True, check=True)
    found, current = {}, set()
    for line in text.stdout.splitlines():
        if line.startswith(".text."):
            current = found.setdefault(FUNCTION.match(line).group(1), set())
        elif instruction := INSTRUCTION.search(line):
            current.add(instruction.group(1))
    return found


def complaints(target, name, instructions):
    if not instructions or instructions <= {"EXIT", "BRA", "NOP", "LDC", "IMAD.MOV.U32", "MOV"}:
        return  # of no use on this GPU
    for first, kernel, wanted in WANTED:
        if target >= first and re.search(kernel, name):
            for pattern in wanted:
                if not any(re.match(pattern, i) for i in instructions):
                    yield f"sm_{target}: no {pattern} in {name}"
    if any(i.startswith(LOCAL) for i in instructions):
        yield f"sm_{target}: local memory in {name}"


def main(library):
    extractor, disassembler = tool("cuobjdump"), tool("nvdisasm")
    if not extractor or not disassembler:
        print("no cuobjdump and nvdisasm here: the machine code was not looked at")
        return 0
    failures, count = [], 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        command = [extractor, "-xelf", "all", str(Path(library).resolve())]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        cubins = sorted(Path(folder).glob("*.cubin"))
        for cubin, found in zip(
            cubins, pool.map(lambda c: kernels(disassembler, c), cubins), strict=True
        ):
            target = int(re.search(r"sm_(\d+)", cubin.name).group(1))
            count += len(found)
            for name, instructions in found.items():
                failures += complaints(target, name, instructions)
    print(*failures, f"machine code: {count} kernels, {len(failures)} complaints", sep="\n")
    return bool(failures) or not count


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
