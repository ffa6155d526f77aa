"""What a visitor asks: words, clicks, boxes, a mask; parsed and checked once."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from partclipseg.errors import InputError

GRANULARITIES = ("whole", "part", "subpart")
MAX_NAMES, MAX_NAME_LENGTH, MAX_TEXT = 100, 80, 20_000
MAX_POINTS, MAX_BOXES = 200, 50
EXAMPLE = 'for example "car: wheel, front door; dog: head"'


@dataclass(frozen=True)
class Query:
    """One asked name: a part of an object, an object (part None), or a bare word (object None)."""

    object: str | None
    part: str | None
    sign: int = 1

    @property
    def label(self) -> str:
        """What is shown: ``"car: wheel"``, ``"car"`` or ``"wheel"``."""
        return ": ".join(x for x in (self.object, self.part) if x)

    @property
    def text(self) -> str:
        """What the text tower reads: ``"wheel of a car"``, ``"car"`` or ``"wheel"``."""
        if self.object and self.part:
            return f"{self.part} of a {self.object}"
        return self.object or self.part or ""


@dataclass(frozen=True)
class Parsed:
    """The queries of a text and what had to be dropped or cut, one sentence each."""

    queries: tuple[Query, ...]
    notes: tuple[str, ...] = ()


# A token is a quoted name, a separator, or a run of anything else.
_SEPARATORS = {"，": ",", "、": ",", "،": ",", "；": ";", "؛": ";", "：": ":"}
_ENDS = ",;:\n" + "".join(_SEPARATORS)
_TOKEN = re.compile(rf'"([^"\n]*)"|([{_ENDS}])|([^"{_ENDS}]+|")')
_HALF_NAME = re.compile(rf"(?<=[{_ENDS}])[^{_ENDS}]{{0,{MAX_NAME_LENGTH}}}\Z")
_QUOTES = str.maketrans(dict.fromkeys("“”„", '"'))  # as phones and word processors write them
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MINUS = ("-", "\u2212")


def parse(text: str) -> Parsed:
    """Read ``car: wheel, front door; dog: head; handle, -hubcap``.

    Commas, semicolons and new lines separate names; a name before a colon is the object of those
    that follow, up to a semicolon, a new line or the next colon; "-" before a name asks for the
    opposite; quotes keep commas and colons. The same marks of other scripts and typographic quotes
    are read alike.

    Raises:
        InputError: no name is left.
    """
    if not isinstance(text, str):
        raise InputError(f"The words must be text, not {type(text).__name__}; {EXAMPLE}.")
    notes: list[str] = []
    if len(text) > MAX_TEXT:
        text = _HALF_NAME.sub("", text[:MAX_TEXT])
        notes.append(f"Only the first {MAX_TEXT:,} characters were read.")
    text = unicodedata.normalize("NFC", _UNREADABLE.sub(" ", text.translate(_QUOTES)))
    queries: dict[tuple[str, str], Query] = {}
    repeated = False
    for query in _queries(text, notes):
        key = ((query.object or "").casefold(), (query.part or "").casefold())
        repeated |= key in queries
        queries.setdefault(key, query)
    if repeated:
        notes.append("Names that were given twice count once.")
    found = tuple(queries.values())
    if len(found) > MAX_NAMES:
        notes.append(f"Only the first {MAX_NAMES} of {len(found)} names were used.")
        found = found[:MAX_NAMES]
    if not any(q.sign > 0 for q in found):
        raise InputError(f"There is no name to look for in the text; type {EXAMPLE}.")
    return Parsed(found, tuple(dict.fromkeys(notes)))


def _queries(text: str, notes: list[str]) -> list[Query]:
    """Walk over the tokens; an object holds until ';', a new line or the next 'name:'."""
    out: list[Query] = []
    owner: str | None = None
    named = 0  # names since the owner was given: "car:" alone asks for the car
    pending = _Name()

    def close_name() -> None:
        nonlocal pending, named
        name = pending.finish(notes)
        if name:
            out.append(Query(owner, name, pending.sign))
            named += 1
        pending = _Name()

    def close_owner() -> None:
        nonlocal owner, named
        if owner and not named:
            out.append(Query(owner, None))
        owner, named = None, 0

    for match in _TOKEN.finditer(text + ";"):
        literal, separator, run = match.groups()
        separator = _SEPARATORS.get(separator, separator)
        if literal is not None:
            pending.add_literal(literal)
        elif run is not None:
            pending.text += run
        elif separator == ":":
            name, pending = pending.finish(notes), _Name()
            if owner and not name and not named:  # "car:: wheel" is a slip of the finger
                continue
            close_owner()
            owner = name or None
        else:
            close_name()
            if separator in ";\n":
                close_owner()
    return out


@dataclass
class _Name:
    """A name while it is read."""

    text: str = ""
    quoted: bool = False
    sign: int = 1

    def add_literal(self, literal: str) -> None:
        if self.text.strip() in _MINUS:  # -"hub, cap"
            self.text, self.sign = "", -1
        self.text += literal
        self.quoted = True

    def finish(self, notes: list[str]) -> str:
        """The name without surplus space; empty where it is punctuation alone."""
        name = " ".join(self.text.split())
        if not self.quoted:
            if name.startswith(_MINUS):
                self.sign, name = -1, name[1:]
            name = name.strip(' .!?"')
        if len(name) > MAX_NAME_LENGTH:
            name = name[:MAX_NAME_LENGTH].rstrip()
            notes.append(f"Names are cut after {MAX_NAME_LENGTH} characters.")
        return name if any(c.isalnum() for c in name) else ""


@dataclass(frozen=True)
class Prompts:
    """Checked prompts for one photo.

    Attributes:
        points: (N, 2) (x, y) pixels of the photo; point_labels (N,) 1 = on it, 0 = not.
        boxes: (M, 4) x0, y0, x1, y1 with x0 < x1, y0 < y1.
        mask: (H, W) float32 in [0, 1] or None.
        queries: names, may be empty.
        granularity: None, "whole", "part" or "subpart".
    """

    points: np.ndarray
    point_labels: np.ndarray
    boxes: np.ndarray
    mask: np.ndarray | None = None
    queries: tuple[Query, ...] = ()
    granularity: str | None = None
    notes: tuple[str, ...] = field(default=())


def validate(
    width: int, height: int, points: Any = None, point_labels: Any = None, boxes: Any = None,
    mask: Any = None, text: str | None = None, granularity: str | None = None,
) -> Prompts:  # fmt: skip
    """Check prompts against a photo of ``width`` x ``height`` pixels.

    Raises:
        InputError: with one sentence on the first thing that is wrong.
    """
    xy = _numbers(points, 2, "points", "(x, y)")
    if len(xy) > MAX_POINTS:
        raise InputError(f"There are {len(xy)} points; at most {MAX_POINTS} are used at once.")
    outside = (xy < -0.5) | (xy > np.array([width, height]) - 0.5)
    if outside.any():
        x, y = xy[outside.any(1)][0]
        raise InputError(
            f"The point ({x:g}, {y:g}) lies outside the photo, which is {width} x {height} pixels."
        )
    parsed = Parsed(()) if text is None or text == "" else parse(text)
    if granularity is not None and granularity not in GRANULARITIES:
        raise InputError(f"The granularity is {granularity!r:.40}; use whole, part or subpart.")
    return Prompts(
        xy, _labels(point_labels, len(xy)), _boxes(boxes, width, height),
        _mask(mask, width, height), parsed.queries, granularity, parsed.notes,
    )  # fmt: skip


def _numbers(values: Any, columns: int, what: str, form: str) -> np.ndarray:
    if values is None:
        return np.zeros((0, columns))
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"The {what} must be numbers, one {form} each.") from error
    if array.size == 0:
        return np.zeros((0, columns))
    array = np.atleast_2d(array)
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(f"The {what} have shape {np.shape(values)}; each is one {form}.")
    if not np.isfinite(array).all():
        raise InputError(f"The {what} hold NaN or infinite numbers.")
    return array


def _labels(labels: Any, count: int) -> np.ndarray:
    if labels is None:
        return np.ones(count, np.int64)
    try:
        array = np.atleast_1d(np.asarray(labels)).ravel()
    except ValueError as error:
        raise InputError("Point labels are one number, 1 or 0, for each point.") from error
    if len(array) != count:
        raise InputError(f"There are {count} points but {len(array)} point labels; give one each.")
    if count and not np.isin(array, (0, 1)).all():
        raise InputError("Point labels are 1 (on the part) or 0 (not on it).")
    return array.astype(np.int64)


def _boxes(boxes: Any, width: int, height: int) -> np.ndarray:
    array = _numbers(boxes, 4, "boxes", "(x0, y0, x1, y1)")
    if len(array) > MAX_BOXES:
        raise InputError(f"There are {len(array)} boxes; at most {MAX_BOXES} are used at once.")
    for x0, y0, x1, y1 in array:
        if x1 <= x0 or y1 <= y0:
            raise InputError(
                f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) is empty or reversed; "
                "give the upper left corner first, then the lower right one."
            )
        if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
            raise InputError(
                f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) lies outside the photo, which is "
                f"{width} x {height} pixels."
            )
    return np.clip(array, 0, np.tile([width, height], 2)) if len(array) else array


def _mask(mask: Any, width: int, height: int) -> np.ndarray | None:
    if mask is None:
        return None
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is told below
            array = np.asarray(mask).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("The mask must be boolean, or numbers from 0 to 1.") from error
    if array.shape != (height, width):
        raise InputError(
            f"The mask has shape {array.shape}; it must be {(height, width)}, "
            "the photo's height and width."
        )
    if not np.isfinite(array).all():
        raise InputError("The mask holds NaN or infinite values.")
    if array.max() > 1 or array.min() < 0:
        raise InputError("The mask must be boolean, or numbers from 0 to 1.")
    if not (array > 0.5).any():
        raise InputError("The mask is empty; mark at least a few pixels.")
    return array


def names_of(queries: Sequence[Query]) -> list[str]:
    """Labels of the names that are looked for."""
    return [q.label for q in queries if q.sign > 0]
