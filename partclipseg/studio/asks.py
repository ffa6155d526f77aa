"""What a browser may send, checked: questions, photo sources, downloads.

Anyone can send anything to a public app, so every field is read here and nowhere else, and a path
is believed only inside the folder of uploads.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gradio.utils import get_upload_folder

from partclipseg.errors import InputError

MALFORMED = "The app sent a question that this server does not understand; please reload the page."
TEXT_LIMIT = 4000
SEQUENCE_LIMIT = 2**53


@dataclass(frozen=True)
class Ask:
    """One question about a photo; hashable, so equal questions share one answer.

    Attributes:
        kind: "text" (words alone), "prompts" (clicks and boxes, maybe with words) or "everything".
        text: the words as typed.
        points: (x, y, label), pixels of the photo, label 1 on the part and 0 not.
        boxes: (x0, y0, x1, y1), pixels of the photo.
    """

    kind: Literal["text", "prompts", "everything"]
    text: str = ""
    points: tuple[tuple[float, float, int], ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()

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
        points = [_numbers(row, 3) for row in _rows(fields.get("points", ()))]
        boxes = [_numbers(row, 4) for row in _rows(fields.get("boxes", ()))]
        return cls(
            kind,
            text.strip(),
            tuple((x, y, int(label)) for x, y, label in points),
            tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes),
        )


@dataclass(frozen=True)
class Kept:
    """An answered question and which of its parts the visitor had on screen."""

    ask: Ask
    indices: tuple[int, ...]

    @classmethod
    def read(cls, payload: Any) -> "Kept":
        """From what the browser sent.

        Raises:
            InputError: it is not of that form.
        """
        fields = mapping(payload)
        indices = fields.get("keep")
        if not isinstance(indices, list) or not all(type(i) is int and i >= 0 for i in indices):
            raise InputError(MALFORMED)
        return cls(Ask.read(fields.get("ask")), tuple(indices))


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


def uploaded(value: Any) -> Path:
    """A path that the browser names, if it is an uploaded file.

    Raises:
        InputError: it lies elsewhere, or is not there any more.
    """
    if not isinstance(value, str) or "\0" in value:
        raise InputError(MALFORMED)
    path = Path(value).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()) or not path.is_file():
        raise InputError("This photo is not on the server any more; please choose it again.")
    return path


def _rows(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or len(value) > 1000:
        raise InputError(MALFORMED)
    return value


def _numbers(row: Any, count: int) -> list[float]:
    if not isinstance(row, list | tuple) or len(row) != count:
        raise InputError(MALFORMED)
    if not all(type(n) in (int, float) and math.isfinite(n) for n in row):
        raise InputError(MALFORMED)
    return list(row)
