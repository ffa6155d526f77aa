"""Options and checks that several commands share."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from partclipseg.errors import InputError

if TYPE_CHECKING:
    from partclipseg.predictor import PartPredictor


def add_model(parser: argparse.ArgumentParser) -> None:
    """``--model`` and ``--device``, as ``partclipseg.load`` takes them."""
    parser.add_argument(
        "--model",
        default="lite",
        metavar="NAME",
        help="lite (bundled, the default), the path of a .safetensors checkpoint, or an open_clip "
        "NAME/PRETRAINED",
    )
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="cpu, cuda, mps ... (default: a GPU if there is one)",
    )


def predictor(args: argparse.Namespace) -> "PartPredictor":
    """The model that ``--model`` and ``--device`` ask for.

    Raises:
        InputError: for a device that is not there.
        PartCLIPSegError: for a model that cannot be loaded.
    """
    from partclipseg import PartPredictor, load

    return PartPredictor(load(args.model, args.device))


def count(text: str) -> int:
    """How many of something, from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number such as 100')
    return int(text)


def positive(text: str) -> int:
    """How many of something, from 1."""
    if count(text) == 0:
        raise argparse.ArgumentTypeError("0 is too few; give at least 1")
    return int(text)


def writable_folder(folder: Path) -> Path:
    """``folder``, made if it was not there and tried out before any work is done for it.

    Raises:
        InputError: where nothing can be written to it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        from partclipseg.images import printable

        reason = error.strerror or error
        raise InputError(
            f'Cannot write to the folder "{printable(str(folder), 4096)}" ({reason}); '
            "name another one."
        ) from error
