"""The command line: ``python -m partclipseg COMMAND``, one module a command.

Only argparse is imported here and at the top of the commands, so that ``--help`` answers at once.
Exit codes: 0 all done, 1 some photos failed (each is named), 2 nothing could be done as asked.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from partclipseg import __version__
from partclipseg.cli import evaluate, segment, train
from partclipseg.errors import PartCLIPSegError

DESCRIPTION = """\
Finds the parts of objects in photos: by words ("car: wheel, front door"), by clicks and by boxes.

start here:
  python -m partclipseg segment car.jpg --text "car: wheel, front door" --out results
  python -m partclipseg segment --help
"""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each one's ``run`` is the default of ``args.run``."""
    root = argparse.ArgumentParser(
        prog="python -m partclipseg",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"partclipseg {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (segment, evaluate, train):
        name = command.__name__.rpartition(".")[2]
        sub = commands.add_parser(
            name,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; ``argv`` without the program's name, by default the process's own.

    Returns the exit code; argparse itself leaves with ``SystemExit(2)`` on bad usage.
    """
    args = parser().parse_args(argv)
    try:
        code = int(args.run(args))
        sys.stdout.flush()  # here, where a reader that has left can still be noticed
        return code
    except PartCLIPSegError as error:
        print(f"partclipseg: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has left (as in "| head"). Nothing more can be said to them, also
        # not when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("partclipseg: stopped.", file=sys.stderr)
        return 130
