"""Many photos, one question: results photo by photo into one ZIP, and how far it is.

    >>> for event in run(engine, photos, Order.read("car: wheel", 0.5, ["overlay"]), path, stop):
    ...     print(event)

Nothing is held for more than one photo but the rows of the table.
"""

import csv
import io
import logging
import secrets
import threading
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from partclipseg import images, prompts
from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.exports import coco_json, png, safe_stem
from partclipseg.exports.annotations import cell
from partclipseg.exports.archives import cutout_files, entry, label_files, mask_files
from partclipseg.exports.names import TEMPORARY, told_apart
from partclipseg.rendering import overlay, with_legend
from partclipseg.results import Segmentation
from partclipseg.studio import strings
from partclipseg.studio.asks import Ask
from partclipseg.studio.engine import Engine
from partclipseg.studio.tasks import Progress, Stopped, Task

log = logging.getLogger(__name__)

WANTS = ("overlay", "coco", "masks", "cutouts", "labels")
"""What a photo's folder in the ZIP may hold."""

SUMMARY = "summary.csv"
COLUMNS = ("photo", "folder", "label", "object", "part", "similarity", "probability",
           "predicted_iou", "bbox_x", "bbox_y", "bbox_width", "bbox_height", "area", "share",
           "error")  # fmt: skip
PREVIEW_SIDE = 1024
PREVIEW_QUALITY = 85
NOT_REACHED = "Stopped before this photo was done."


@dataclass(frozen=True)
class Source:
    """A photo that was sent.

    Attributes:
        name: what the visitor's file is called.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class Order:
    """What is to be done with every photo.

    Attributes:
        ask: words, or everything where there are none.
        threshold: (0, 1), how sure a pixel must be of a word.
        wants: of ``WANTS``.
    """

    ask: Ask
    threshold: float
    wants: tuple[str, ...]

    @classmethod
    def read(cls, text: Any, threshold: Any, wants: Iterable[str]) -> "Order":
        """From what the page sent.

        Raises:
            InputError: words that cannot be used, or a threshold that is none.
        """
        words = text.strip() if isinstance(text, str) else text
        ask = Ask.read({"kind": "text" if words else "everything", "text": words or ""})
        if ask.text:
            prompts.parse(ask.text)
        if type(threshold) not in (int, float) or not 0 < threshold < 1:
            raise InputError(f"The threshold is {threshold!s:.40}; it must lie between 0 and 1.")
        chosen = set(wants)
        return cls(ask, float(threshold), tuple(what for what in WANTS if what in chosen))


@dataclass(frozen=True)
class Working:
    """The photo at ``index`` is under way; ``share`` of its answer is done, 0 to 1."""

    index: int
    share: float


@dataclass(frozen=True)
class Done:
    """A photo is done.

    Attributes:
        parts: how many were found.
        milliseconds: that reading, encoding and answering took.
        messages: sentences for the visitor, e.g. what was not found.
        preview: the photo with its parts in colour, JPEG, at most ``PREVIEW_SIDE`` a side.
    """

    index: int
    parts: int
    milliseconds: float
    messages: tuple[str, ...]
    preview: bytes


@dataclass(frozen=True)
class Failed:
    """A photo could not be done; the others go on."""

    index: int
    reason: str


@dataclass(frozen=True)
class Finished:
    """The last event.

    Attributes:
        path: the ZIP, None where no photo was done.
        stopped: whether the visitor ended it before the last photo.
    """

    path: Path | None
    stopped: bool


Event = Working | Done | Failed | Finished


def check_count(count: int, most: int) -> None:
    """Raise InputError unless there are photos, and not too many."""
    if not count:
        raise InputError("There are no photos yet; drop some first.")
    if count > most:
        raise InputError(f"There are {count} photos; at most {most} can be done in one go.")


def run(
    engine: Engine, photos: Sequence[Source], order: Order, path: Path, stop: threading.Event
) -> Iterator[Event]:
    """Do all photos, one after the other.

    Closing the iterator stops it too, and then no file is left.

    Args:
        path: of the ZIP, in a folder of its own that exists.
        stop: once it is set, what is finished goes into the ZIP and the rest is left.

    Raises:
        InputError: the ZIP cannot be written.
        PartCLIPSegError: the model cannot be loaded.
    """
    engine.predictor()  # without it no photo could be done
    rows: list[tuple[Any, ...]] = []
    done = 0
    # Neither the table nor a folder of another photo may get a second owner.
    folders = told_apart([safe_stem(photo.name) for photo in photos], {SUMMARY})
    with _Archive(path) as archive:
        for index, (source, folder) in enumerate(zip(photos, folders, strict=True)):
            try:
                if stop.is_set():
                    raise Stopped
                began = time.perf_counter()
                task = Task(_work(engine, source, order, stop), threading.Event())
                for share in task:
                    yield Working(index, share)
                photo, found = task.result()
                took = 1000 * (time.perf_counter() - began)
                preview, files = _files(photo, replace(found, image=folder), order.wants)
            except Stopped:
                left = zip(photos[index:], folders[index:], strict=True)
                rows += [_error_row(photo.name, name, NOT_REACHED) for photo, name in left]
                break
            except Exception as error:
                reason = _reason(error)
                rows.append(_error_row(source.name, folder, reason))
                yield Failed(index, reason)
                continue
            archive.add((f"{folder}/{name}", content) for name, content in files)
            rows += _part_rows(source.name, folder, found)
            done += 1
            yield Done(index, len(found.parts), took, (*photo.notes, *found.messages), preview)
        if done:
            archive.add([(SUMMARY, _summary(rows))])
            archive.keep()
    yield Finished(path if done else None, stop.is_set())


def _work(engine: Engine, source: Source, order: Order, stop: threading.Event) -> Any:
    def work(progress: Progress) -> tuple[images.Photo, Segmentation]:
        def told(share: float) -> None:
            if stop.is_set():
                raise Stopped
            progress(share)

        photo = images.read(source.path, name=source.name)
        told(0.0)
        return photo, engine.answer_once(photo, order.ask, order.threshold, told)

    return work


def _files(
    photo: images.Photo, found: Segmentation, wants: Sequence[str]
) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The preview and the files of one photo, whose result is named as its folder."""
    stem = found.image
    painted = overlay(photo.array, found)
    files: list[tuple[str, bytes]] = []
    for what in wants:
        if what == "overlay":
            files.append((f"{stem}_overlay.png", png(with_legend(painted, found))))
        elif what == "coco":
            files.append((f"{stem}_coco.json", coco_json(found)))
        elif what == "labels":
            files += label_files(found)
        else:
            made = mask_files(found) if what == "masks" else cutout_files(photo.array, found)
            files += [(f"{stem}_{what}/{name}", content) for name, content in made]
    return _preview(painted), files


def _preview(painted: np.ndarray) -> bytes:
    picture = Image.fromarray(painted)
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=PREVIEW_QUALITY)
    return buffer.getvalue()


def _reason(error: Exception) -> str:
    if isinstance(error, PartCLIPSegError):
        return str(error)
    report = secrets.token_hex(3)
    log.error("report %s", report, exc_info=error)
    return strings.BATCH_UNEXPECTED.format(number=report)


# The table


def _part_rows(name: str, folder: str, found: Segmentation) -> list[tuple[Any, ...]]:
    """One row a part; a photo without parts has a row too."""
    photo = (cell(name), cell(folder))
    pixels = found.width * found.height
    return [
        (*photo, *map(cell, (part.label, part.object, part.part)),
         *("" if score is None else f"{score:.4f}"
           for score in (part.similarity, part.probability, part.predicted_iou)),
         *part.bbox, part.area, f"{part.area / pixels:.6f}", "")
        for part in found.parts
    ] or [(*photo, *[""] * (len(COLUMNS) - 2))]  # fmt: skip


def _error_row(name: str, folder: str, reason: str) -> tuple[Any, ...]:
    return (cell(name), cell(folder), *[""] * (len(COLUMNS) - 3), cell(reason))


def _summary(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """UTF-8 with a byte order mark, without which Excel reads it in another encoding."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows(rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8", "replace")


# The ZIP


class _Archive:
    """A ZIP that gets its name once it is whole; else nothing of it is left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(TEMPORARY.replace("*", uuid.uuid4().hex))

    def __enter__(self) -> "_Archive":
        try:
            self._zip = zipfile.ZipFile(self._temporary, "x")
        except OSError as error:
            raise _unwritten(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        # A full disk has told itself in "add" already.
        try:
            self._zip.close()
        except OSError as error:
            log.warning("a ZIP could not be closed: %s", error)
        self._temporary.unlink(missing_ok=True)

    def add(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write (name, content). Raises InputError where the disk does not take it."""
        try:
            for name, content in files:
                self._zip.writestr(entry(name, not name.endswith(".png")), content)
        except OSError as error:
            raise _unwritten(error) from error

    def keep(self) -> None:
        """Give it its name. Raises InputError where the disk does not take it."""
        try:
            self._zip.close()
            self._temporary.replace(self._path)
        except OSError as error:
            raise _unwritten(error) from error


def _unwritten(error: OSError) -> InputError:
    return InputError(f"The ZIP cannot be written: {error.strerror or error}.")
