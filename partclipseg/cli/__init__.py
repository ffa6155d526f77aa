"""The command line: ``python -m partclipseg COMMAND``, one module a command.

Only argparse and the module of the asked command are imported, so that ``--help`` answers at once.
Exit codes: 0 all done, 1 some photos failed (each is named), 2 nothing could be done as asked.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from partclipseg import __version__
from partclipseg.errors import PartCLIPSegError

DESCRIPTION = """\
Finds the parts of objects in photos: by words ("car: wheel, front door"), by clicks and by boxes.

start here:
  python -m partclipseg segment car.jpg --text "car: wheel, front door" --out results
  python -m partclipseg segment --help
"""

COMMANDS = {
    "segment": "find parts in photos",
    "evaluate": "score a model on annotated photos",
    "benchmark": "measure how fast a model is and how much memory it takes",
    "report": "write a page with tables and plots from measured figures",
    "convert": "convert a public benchmark into a folder for evaluate and train",
    "train": "train a model from a config file",
    "export": "write a model's encoder and decoder as ONNX files",
}
"""Each command's ``SUMMARY``, kept here too so that the list of commands imports none of them."""


def parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser for one command line; the command's ``run`` is the default of ``args.run``.

    Args:
        argv: the command line, without the program's name. Only the command that it names gets
            its arguments.
    """
    root = argparse.ArgumentParser(
        prog="python -m partclipseg",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"partclipseg {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    asked = next((word for word in argv if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        if name != asked:
            commands.add_parser(name, help=summary)
            continue
        command = import_module(f"{__name__}.{name}")
        sub = commands.add_parser(
            name,
            help=summary,
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
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may have letters that it has not
            stream.reconfigure(errors="backslashreplace")
    args = parser(argv).parse_args(argv)
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
