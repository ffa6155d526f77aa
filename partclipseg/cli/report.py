"""``report``: one page with tables and plots from what was measured."""

import argparse
from pathlib import Path

from partclipseg.cli import options
from partclipseg.errors import InputError

SUMMARY = "write a page with tables and plots from measured figures"

DESCRIPTION = """\
Reads the JSON files that evaluate and benchmark wrote, in DIR and below, and writes one Markdown
page; its plots go to a folder "images" beside it.
"""

EXAMPLES = """\
examples:
  python -m partclipseg report --from runs/lite/evaluation --out docs/results.md

exit codes:
  0  done
  2  there is nothing to report, or the page cannot be written; one sentence says why
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        type=Path,
        metavar="DIR",
        help="the folder with the JSON files",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="the page, e.g. docs/results.md"
    )


def run(args: argparse.Namespace) -> int:
    """Collect, write the page and its plots, say what was read."""
    if args.out.is_dir():
        raise InputError(f'"{args.out}" is a folder; --out needs the name of a file.')
    from partclipseg.evaluation import document
    from partclipseg.exports import write_atomically

    results = document.collect(args.source)
    page, pictures = document.pages(results, args.source.name)
    options.writable_folder(args.out.parent)
    if pictures:
        folder = options.writable_folder(args.out.parent / "images")
        for name, content in pictures.items():
            write_atomically(folder / name, content)
    write_atomically(args.out, page.encode())
    print(
        f"{args.out}: {len(results.evaluations)} evaluations, {len(pictures)} plots"
        + (", 1 benchmark" if results.benchmark else "")
    )
    return 0
