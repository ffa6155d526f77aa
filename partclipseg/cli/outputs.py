"""What ``segment`` writes and says: names of files, files, a line a photo."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partclipseg.errors import InputError

if TYPE_CHECKING:
    from partclipseg.results import Segmentation

LONGEST_STEM = 140
"""Bytes of a photo's name that its files keep: most disks take 255, and labels follow."""


def output_stems(photos: Sequence[Path]) -> list[str]:
    """A name for each photo's files: its stem, numbered where another photo has it already."""
    from partclipseg.exports.names import told_apart

    return told_apart([_shortened(photo.stem) for photo in photos])


def _shortened(stem: str) -> str:
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[:-1]
    return stem


def each_once(photos: Sequence[Path]) -> list[Path]:
    """The photos without those that are given twice."""
    return list({os.path.realpath(path): path for path in reversed(photos)}.values())[::-1]


class Outputs:
    """Writes into one folder: no name twice in one run, and never over an input photo."""

    def __init__(self, folder: Path, inputs: Sequence[Path]) -> None:
        from partclipseg.exports import sweep

        sweep(folder)
        self.folder = folder
        self._taken = {self._key(path) for path in inputs}

    def write(self, stem: str, suffix: str, data: bytes) -> Path:
        """Write ``STEM + SUFFIX``, or ``STEM_2 + SUFFIX`` and so on where that is taken.

        Raises:
            InputError: the folder does not take it, e.g. as the disk is full.
        """
        from partclipseg.exports import write_atomically

        path, number = self.folder / f"{stem}{suffix}", 1
        while self._key(path) in self._taken:
            number += 1
            path = self.folder / f"{stem}_{number}{suffix}"
        try:
            write_atomically(path, data)
        except OSError as error:
            raise InputError(
                f"its results cannot be written to {shown(self.folder)} "
                f"({error.strerror or error})."
            ) from error
        self._taken.add(self._key(path))
        return path

    @staticmethod
    def _key(path: Path) -> str:
        return os.path.realpath(path).casefold()


def save(result: "Segmentation", photo: Any, stem: str, outputs: Outputs) -> Path:
    """Write all files of one photo, the JSON last: where it is, the rest is too.

    Returns the path of the JSON.

    Raises:
        InputError: the folder does not take them.
    """
    from partclipseg import exports

    for number, part in enumerate(result.parts, 1):
        label = exports.safe_stem(part.label, 40)
        outputs.write(f"{stem}_{number:02d}_{label}", ".png", exports.mask_png(part))
    outputs.write(f"{stem}_overlay", ".png", exports.overlay_png(photo.array, result))
    return outputs.write(stem, ".json", as_json(result.to_json()))


def as_json(data: dict[str, Any]) -> bytes:
    """Indented UTF-8; what is no character, as in some file names, becomes "?"."""
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "replace")


def shown(path: Path) -> str:
    """A path as it may stand on a terminal: no control characters, no half ones."""
    from partclipseg.images import printable

    return printable(str(path), 4096)


def complaint(path: Path, sentence: str) -> str:
    """One sentence with the photo's whole path, as photos of several folders may share a name."""
    from partclipseg.images import printable

    name = printable(path.name)
    if sentence.startswith(f"{name} "):
        return f"{shown(path)}{sentence.removeprefix(name)}"
    return f"{shown(path)}: {sentence}"


def line(path: Path, parts: int, written: Path, notes: Sequence[str]) -> str:
    """What is said of a photo that is done."""
    found = "nothing found" if not parts else "1 part" if parts == 1 else f"{parts} parts"
    return "\n  ".join([f"{shown(path)}: {found}, {shown(written)}", *notes])


def explained(error: Exception) -> str:
    """What is said of a photo that is not."""
    from partclipseg.errors import PartCLIPSegError

    if isinstance(error, PartCLIPSegError):
        return str(error)
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
