#!/usr/bin/env python3
"""What the kernels may use of a GPU, compared with what ptxas says they do.

    .ci/ptxas_budget.py sm_90 LOG            compares with .ci/ptxas_budget; no kernel may spill
    .ci/ptxas_budget.py sm_90 LOG --write    rewrites it

A line of the file is a kernel (the largest of its instances): name, registers of a thread, bytes
spilled, bytes of static shared memory. Registers are compared under the compiler that wrote them.
"""

import re
import subprocess
import sys
from pathlib import Path

BUDGET = Path(__file__).with_name("ptxas_budget")
NOTE = "# .ci/ptxas_budget.py: kernel, registers, bytes spilled, bytes of static shared memory\n"
ENTRY = re.compile(r"Compiling entry function '_ZN6tatami4cuda(\d+)(\w+)")
SPILLED = re.compile(r"(\d+) bytes spill stores")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


def compiler(architecture):
    text = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, check=True).stdout
    return f"# nvcc {re.search(r'V([0-9.]+)', text).group(1)} {architecture}\n"


def usage(log):
    """Kernel -> [registers, spilled, shared], each the most of its instances."""
    found, name = {}, None
    for line in Path(log).read_text().splitlines():
        if entry := ENTRY.search(line):
            name = entry.group(2)[: int(entry.group(1))]
            found.setdefault(name, [0, 0, 0])
        for i, pattern in enumerate((USED, SPILLED, SHARED)):
            if name and (value := pattern.search(line)):
                found[name][i] = max(found[name][i], int(value.group(1)))
    return found


def read():
    header, lines = "", {}
    if BUDGET.exists():
        header, *rest = BUDGET.read_text().removeprefix(NOTE).splitlines(keepends=True)
        for name, *numbers in (line.split() for line in rest):
            lines[name] = [int(n) for n in numbers]
    return header, lines


def main(architecture, log, write=""):
    found, header = usage(log), compiler(architecture)
    failures = [f"{name} spills {n[1]} bytes" for name, n in found.items() if n[1]]
    if write == "--write":
        rows = (f"{name} {' '.join(map(str, n))}\n" for name, n in sorted(found.items()))
        BUDGET.write_text(NOTE + header + "".join(rows))
    else:
        known, allowed = read()
        if known != header:
            print(f"registers not compared: {header[2:].strip()} is not that of the file")
        else:
            failures += [
                f"{name} uses {n}, allowed are {allowed.get(name, 'none: it is new')}"
                for name, n in found.items()
                if name not in allowed or any(a > b for a, b in zip(n, allowed[name], strict=True))
            ]
            failures += [f"{name} is gone" for name in allowed if name not in found]
    if failures:
        print(*failures, "If that is meant: .ci/compile_cuda 90 --write", sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
