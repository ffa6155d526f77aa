"""``benchmark``: how fast a model is on this machine, and what it takes."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from partclipseg.cli import options
from partclipseg.errors import InputError

SUMMARY = "measure how fast a model is and how much memory it takes"

DESCRIPTION = """\
Measures medians on one photo: encoding it, a click, ten names, everything, and naming a mask among
1,000, 5,000 and 20,000 known names; then the time of --help, and the app: its start, a click over
HTTP, its memory. The JSON names the processor and the number of threads. Medians of a machine that
is busy with other things say little; the best time and the processor's time still do.
"""

EXAMPLES = """\
examples:
  python -m partclipseg benchmark
  python -m partclipseg benchmark --threads 2 --json benchmark.json
  python -m partclipseg benchmark --compare --json benchmark.json
  python -m partclipseg benchmark --no-app --photo holiday.jpg

exit codes:
  0  done
  2  the model, the photo or the output cannot be used; one sentence says why
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "--photo", type=Path, metavar="FILE", help="measure on this photo (default: an example)"
    )
    parser.add_argument(
        "--threads",
        type=options.positive,
        metavar="N",
        help="threads that the model may use (default: as many as PyTorch takes)",
    )
    parser.add_argument(
        "--repeats",
        type=options.positive,
        default=30,
        metavar="N",
        help="how often each quick question is asked (default: 30; slow ones a sixth of it)",
    )
    parser.add_argument(
        "--no-app", dest="app", action="store_false", help="leave the app out; only the model"
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also what a photo costs in CLIPSeg (needs transformers) and in a TinyViT encoder at "
        "1024 pixels, both with random weights",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")


def run(args: argparse.Namespace) -> int:
    """Measure, write the JSON, print the figures."""
    if args.json is not None:
        if args.json.is_dir():
            raise InputError(f'"{args.json}" is a folder; --json needs the name of a file.')
        options.writable_folder(args.json.parent)
    import torch

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    figures = _measured(args)
    if args.json is not None:
        _write(args.json, figures)
    print(_table(figures))
    return 0


def _measured(args: argparse.Namespace) -> dict[str, Any]:
    from partclipseg.evaluation import benchmark, comparison
    from partclipseg.evaluation.served import measure_app

    def progress(step: str) -> None:
        print(f"measuring: {step}", file=sys.stderr)

    repeats = benchmark.Repeats(quick=args.repeats, slow=max(1, args.repeats // 6))
    photo = benchmark.photo_of(args.photo)
    figures: dict[str, Any] = {
        "model": args.model,
        "photo": f"{photo.name}, {photo.width} x {photo.height}",
        **benchmark.machine(),
    }
    predictor = options.predictor(args)
    times = benchmark.measure_model(predictor, photo, repeats, progress)
    progress("--help")
    times["help_s"] = benchmark.measure_help(repeats.slow)
    figures |= benchmark.as_json(times) | {"label_names": "random unit vectors"}
    if args.app:
        progress("the app")
        app = measure_app(args.model, photo, args.repeats)
        figures |= {name: round(value, 3) for name, value in app.items()}
    if args.compare:
        progress("other models")
        figures["comparison"] = comparison.compare(
            args.model, photo, figures["threads"], max(3, repeats.slow)
        )
        figures["ratios"] = comparison.ratios(figures["comparison"])
    return figures


def _write(path: Path, figures: dict[str, Any]) -> None:
    from partclipseg.exports import write_atomically

    write_atomically(path, (json.dumps(figures, indent=1) + "\n").encode())


def _table(figures: dict[str, Any]) -> str:
    from partclipseg.evaluation.benchmark import rows

    head = (
        f"{figures['model']} on {figures['cpu']}, {figures['threads']} threads, "
        f"load {figures['load']} before; {figures['photo']}"
    )
    lines = [("", "median", "best", "processor"), *rows(figures)]
    table = [
        head,
        *(f"  {words:<28}" + "".join(f"{c:>12}" for c in cells) for words, *cells in lines),
    ]
    if "comparison" in figures:
        from partclipseg.evaluation.comparison import table as compared

        table += ["", *compared(figures["comparison"])]
    return "\n".join(table)
