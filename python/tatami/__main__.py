"""The command line: ``python -m tatami``, or ``tatami``."""

import argparse
import os
import sys
from importlib import import_module
from importlib.util import find_spec

import tatami

# name -> (what it does, modules that an extra of the same name installs)
COMMANDS = {
    "demo": ("watch a small network learn handwritten digits", ("sklearn", "matplotlib")),
    "bench": ("verify and time every kernel against its limit and its peers", ("matplotlib",)),
    "info": ("version, instruction sets, threads and memory of this installation", ()),
}


def parser():
    top = argparse.ArgumentParser(prog="tatami", description=tatami.__doc__)
    top.add_argument("--version", action="version", version=f"tatami {tatami.__version__}")
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    for name, (what, _) in COMMANDS.items():
        module = import_module(f"tatami.{name}")
        command = commands.add_parser(name, help=what, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def main(argv=None):
    """Runs a command; returns its exit status, 2 where it cannot run."""
    args = parser().parse_args(argv)
    missing = [module for module in COMMANDS[args.command][1] if find_spec(module) is None]
    if missing:
        return _error(
            args.command, f"{' and '.join(missing)} missing: pip install tatami[{args.command}]"
        )
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status or 0
    except BrokenPipeError:  # the reader, head for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _error(args.command, error)
    except KeyboardInterrupt:
        return 130


def _error(command, text):
    print(f"tatami {command}: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
