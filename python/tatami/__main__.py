"""The command line: ``python -m tatami``, or ``tatami``."""

import argparse
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import tatami


class Command(NamedTuple):
    """What it does, the module that does it, what that needs, and the extra that brings it."""

    what: str
    module: str
    needs: tuple = ()
    extra: str = ""


_PLOTS, _DIGITS = ("matplotlib",), ("sklearn", "matplotlib", "safetensors")
COMMANDS = {
    "demo": Command("watch a small network learn handwritten digits", "demo", _DIGITS, "demo"),
    "example": Command("small programs, each with a picture", "examples", _DIGITS, "demo"),
    "generate": Command("train a generative model, watch its samples", "generate", _DIGITS, "demo"),
    "sample": Command("samples of a model that was generated", "generate.sample", _DIGITS, "demo"),
    "bench": Command("verify and time every kernel against its peers", "bench", _PLOTS, "bench"),
    "info": Command("version, instruction sets, threads and memory of this installation", "info"),
}


def parser():
    top = argparse.ArgumentParser(prog="tatami", description=tatami.__doc__)
    top.add_argument("--version", action="version", version=f"tatami {tatami.__version__}")
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    for name, about in COMMANDS.items():
        module = import_module(f"tatami.{about.module}")
        command = commands.add_parser(name, help=about.what, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def main(argv=None):
    """Runs a command; returns its exit status, 2 where it cannot run."""
    args = parser().parse_args(argv)
    command = COMMANDS[args.command]
    missing = [module for module in command.needs if find_spec(module) is None]
    if missing:
        text = f"{' and '.join(missing)} missing: pip install tatami[{command.extra}]"
        return _error(args.command, text)
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status or 0
    except BrokenPipeError:  # the reader, head for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, ValueError) as error:  # an extra, a folder or a file is missing
        return _error(args.command, error)
    except KeyboardInterrupt:
        return 130


def _error(command, text):
    print(f"tatami {command}: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
