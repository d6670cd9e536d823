#!/usr/bin/env python3
"""What the kernels may use of a GPU, compared with what ptxas says they do.

    .ci/ptxas_budget.py LOG            compares with .ci/ptxas_budget
    .ci/ptxas_budget.py LOG --write    rewrites the columns of the GPUs that the log is about

The file has a line for each kernel (the largest of its instances) and a column for each GPU: the
registers of a thread, compared under the compiler that wrote them. No kernel may spill any, have a
stack or static shared memory, on any GPU and by any compiler.
"""

import re
import subprocess
import sys
from pathlib import Path

BUDGET = Path(__file__).with_name("ptxas_budget")
NOTE = "# .ci/ptxas_budget.py: registers of a thread at most, by kernel and GPU; none spills.\n"
ENTRY = re.compile(r"Compiling entry function '_ZN6tatami4cuda(\d+)(\w+)' for '(\w+)'")
USED = re.compile(r"Used (\d+) registers")
FORBIDDEN = re.compile(r"([1-9]\d*) bytes (stack frame|spill stores|spill loads|smem)")


def compiler():
    text = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, check=True).stdout
    return f"# nvcc {re.search(r'V([0-9.]+)', text).group(1)}\n"


def usage(log):
    """GPU -> kernel -> the most registers of its instances; and what must not be."""
    found, failures, gpu, name = {}, set(), None, None
    for line in Path(log).read_text().splitlines():
        if entry := ENTRY.search(line):
            name, gpu = entry.group(2)[: int(entry.group(1))], entry.group(3)
        if name and (used := USED.search(line)):
            kernels = found.setdefault(gpu, {})
            kernels[name] = max(kernels.get(name, 0), int(used.group(1)))
        failures |= {f"{gpu}: {name} has {' bytes '.join(f)}" for f in FORBIDDEN.findall(line)}
    return found, sorted(failures)


def read():
    """The compiler, and GPU -> kernel -> registers."""
    if not BUDGET.exists():
        return "", {}
    header, titles, *rows = BUDGET.read_text().removeprefix(NOTE).splitlines(keepends=True)
    rows = [row.split() for row in rows]
    return header, {
        gpu: {row[0]: int(row[i]) for row in rows if row[i] != "-"}
        for i, gpu in enumerate(titles.split()[1:], 1)
    }


def write(header, allowed):
    gpus = sorted(allowed, key=lambda gpu: int(gpu.removeprefix("sm_")))
    names = sorted(set().union(*allowed.values()))
    rows = [["kernel", *gpus], *([n, *(allowed[g].get(n, "-") for g in gpus)] for n in names)]
    BUDGET.write_text(NOTE + header + "".join(" ".join(map(str, row)) + "\n" for row in rows))


def compare(gpu, found, allowed):
    for name, registers in found.items():
        if registers > allowed.get(name, 0):
            limit = allowed.get(name, "none: it is new")
            yield f"{gpu}: {name} uses {registers} registers, allowed are {limit}"
    yield from (f"{gpu}: {name} is gone" for name in allowed if name not in found)


def main(log, option=""):
    found, failures = usage(log)
    header = compiler()
    known, allowed = read()
    if option == "--write":
        write(header, {**(allowed if known == header else {}), **found})
    else:
        for gpu, kernels in found.items():
            if known == header and gpu in allowed:
                failures += compare(gpu, kernels, allowed[gpu])
            else:
                print(f"registers not compared: the file has none of {gpu} by {header[2:].strip()}")
    if not found:
        failures.append(f"{log} says nothing of kernels")
    if failures:
        print(*failures, "If that is meant: .ci/compile_cuda GPU --write", sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
