"""What a browser may send, checked: questions, photo sources, downloads.

Anyone can send anything to a public app, so every field is read here and nowhere else, and a path
is believed only inside the folder of uploads.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from partclipseg.errors import InputError
from partclipseg.results import PartMask

MALFORMED = "The app sent a question that this server does not understand; please reload the page."
TEXT_LIMIT = 4000
SEQUENCE_LIMIT = 2**53
MASK_SIDE_LIMIT = 2048
TOKEN_LIMIT = 64


@dataclass(frozen=True)
class PaintedMask:
    """A mask that the visitor painted, as COCO run lengths at the size in which masks travel."""

    height: int
    width: int
    counts: str

    @classmethod
    def read(cls, payload: Any) -> "PaintedMask | None":
        """From what the browser sent; None where it sent none.

        Raises:
            InputError: it is not of that form, or its runs do not fill it.
        """
        if payload is None:
            return None
        size = _numbers(mapping(payload).get("size"), 2)
        height, width = (int(side) for side in size)
        counts = payload.get("counts")
        if not all(0 < side <= MASK_SIDE_LIMIT for side in size) or not isinstance(counts, str):
            raise InputError(MALFORMED)
        painted = cls(height, width, counts)
        painted._part()
        return painted

    def at(self, width: int, height: int) -> np.ndarray:
        """(height, width) bool, by nearest pixel."""
        small = Image.fromarray(self._part().mask.view(np.uint8))
        return np.asarray(small.resize((width, height), Image.Resampling.NEAREST)).astype(bool)

    def _part(self) -> PartMask:
        rle = {"size": [self.height, self.width], "counts": self.counts}
        try:
            return PartMask.from_json(
                {"label": "", "bbox": (0, 0, 0, 0), "area": 0, "segmentation": rle}
            )
        except InputError as error:
            raise InputError(MALFORMED) from error


@dataclass(frozen=True)
class Ask:
    """One question about a photo; hashable, so equal questions share one answer.

    Attributes:
        kind: "text" (words alone), "prompts" (clicks and boxes, maybe with words) or "everything".
        text: the words as typed.
        points: (x, y, label), pixels of the photo, label 1 on the part and 0 not.
        boxes: (x0, y0, x1, y1), pixels of the photo.
        mask: painted over the part.
    """

    kind: Literal["text", "prompts", "everything"]
    text: str = ""
    points: tuple[tuple[float, float, int], ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    mask: PaintedMask | None = None

    @classmethod
    def read(cls, payload: Any) -> "Ask":
        """From what the browser sent.

        Raises:
            InputError: it is not of that form.
        """
        fields = mapping(payload)
        kind, text = fields.get("kind"), fields.get("text", "")
        if kind not in ("text", "prompts", "everything") or not isinstance(text, str):
            raise InputError(MALFORMED)
        if len(text) > TEXT_LIMIT:
            raise InputError(f"The text has {len(text)} characters; at most {TEXT_LIMIT} are read.")
        points = [_numbers(row, 3) for row in rows(fields.get("points", ()))]
        boxes = [_numbers(row, 4) for row in rows(fields.get("boxes", ()))]
        return cls(
            kind,
            text.strip(),
            tuple((x, y, int(label)) for x, y, label in points),
            tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes),
            PaintedMask.read(fields.get("mask")),
        )


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise InputError(MALFORMED)
    return value


def sequence_number(payload: Any) -> int:
    """The number that the browser gave its question, 0 where there is none."""
    number = payload.get("seq") if isinstance(payload, Mapping) else None
    return number if type(number) is int and 0 <= number < SEQUENCE_LIMIT else 0


def token(payload: Any) -> str:
    """What the browser calls its question when it wants to stop it, empty where it cannot."""
    given = payload.get("token") if isinstance(payload, Mapping) else None
    return given if isinstance(given, str) and len(given) <= TOKEN_LIMIT else ""


def uploaded(value: Any) -> Path:
    """A path that the browser names, if it is an uploaded file.

    Raises:
        InputError: it lies elsewhere, or is not there any more.
    """
    if not isinstance(value, str) or "\0" in value:
        raise InputError(MALFORMED)
    with suppress(OSError, RuntimeError, ValueError):  # too long, a loop of links, half characters
        path = Path(value).resolve()
        if path.is_relative_to(Path(get_upload_folder()).resolve()) and path.is_file():
            return path
    raise InputError("This photo is not on the server any more; please choose it again.")


def rows(value: Any) -> Sequence[Any]:
    """The value if it is a list of sensible length.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, list | tuple) or len(value) > 1000:
        raise InputError(MALFORMED)
    return value


def _numbers(row: Any, count: int) -> list[float]:
    if not isinstance(row, list | tuple) or len(row) != count:
        raise InputError(MALFORMED)
    if not all(_finite(number) for number in row):
        raise InputError(MALFORMED)
    return list(row)


def _finite(number: Any) -> bool:
    try:
        return type(number) in (int, float) and math.isfinite(number)
    except OverflowError:  # JSON has integers of any length
        return False
