"""``python -m partclipseg export``: ONNX files of a model."""

import argparse
from pathlib import Path

from partclipseg.cli import options

SUMMARY = "write a model's encoder and decoder as ONNX files"
DESCRIPTION = """\
Writes encoder.onnx, decoder.onnx and model.json, and compares both files with PyTorch before it
says that they are good. Needs: pip install -r requirements-export.txt
"""
EXAMPLES = """\
examples:
  python -m partclipseg export --onnx exported
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_model(parser)
    parser.add_argument(
        "--onnx", required=True, type=Path, metavar="DIR", help="the folder to write to"
    )


def run(args: argparse.Namespace) -> int:
    """Export, compare, and print the largest differences."""
    options.writable_folder(args.onnx)
    model = options.predictor(args).model

    from partclipseg.modeling import onnx

    for name, value in onnx.export(model, args.onnx).items():
        print(f"{name:10s} differs from PyTorch by at most {value:.1e}")
    print(args.onnx)
    return 0
