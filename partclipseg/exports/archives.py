"""Results as archives: many files in one ZIP, arrays in one NPZ.

The same result gives the same bytes: entries carry no time of day. ``replace(part)`` is a copy
whose decoded mask is soon gone: a hundred of them at a photo's size are gigabytes.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

import numpy as np

from partclipseg.errors import InputError
from partclipseg.exports.annotations import as_json
from partclipseg.exports.names import numbered, safe_stem
from partclipseg.exports.pictures import (
    check_photo,
    cutout_png,
    label_legend,
    label_map_png,
    mask_png,
)
from partclipseg.results import Segmentation

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
READABLE = 0o644 << 16


def zipped(entries: Iterable[tuple[str, bytes]], *, compress: bool = False) -> bytes:
    """A ZIP of (name, content), written one after the other.

    Args:
        compress: for text; PNG files are compressed already.

    Raises:
        InputError: a name that is no plain file name, or one that is there twice.
    """
    buffer, taken = io.BytesIO(), set[str]()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries:
            if name.casefold() in taken or name in ("", ".", "..") or set(name) & set("/\\:\0"):
                raise InputError(f"{name!r} cannot be the name of a file in this archive.")
            taken.add(name.casefold())
            archive.writestr(entry(name, compress), content)
    return buffer.getvalue()


def cutouts_zip(photo: np.ndarray, segmentation: Segmentation) -> bytes:
    """Every part as a transparent PNG, and a JSON that says where in the photo each one lies."""
    return zipped(cutout_files(photo, segmentation))


def cutout_files(photo: np.ndarray, segmentation: Segmentation) -> Iterator[tuple[str, bytes]]:
    """What ``cutouts_zip`` holds, one file after the other."""
    check_photo(photo, segmentation)
    names = [
        numbered(segmentation.image, number, part.label, ".png")
        for number, part in enumerate(segmentation.parts, 1)
    ]
    index = [
        {"file": name, "label": part.label, "bbox": list(part.bbox), "area": part.area}
        for name, part in zip(names, segmentation.parts, strict=True)
    ]
    about = {"image": segmentation.image, "width": segmentation.width,
             "height": segmentation.height, "cutouts": index}  # fmt: skip
    for name, part in zip(names, segmentation.parts, strict=True):
        yield name, cutout_png(photo, replace(part))
    yield f"{safe_stem(segmentation.image)}_cutouts.json", as_json(about)


def mask_files(segmentation: Segmentation) -> Iterator[tuple[str, bytes]]:
    """Every part's mask as a PNG, one after the other."""
    for number, part in enumerate(segmentation.parts, 1):
        name = numbered(segmentation.image, number, part.label, ".png")
        yield name, mask_png(replace(part))


def labels_zip(segmentation: Segmentation) -> bytes:
    """The label map as an indexed PNG, and its legend as JSON."""
    return zipped(label_files(segmentation))


def label_files(segmentation: Segmentation) -> Iterator[tuple[str, bytes]]:
    """What ``labels_zip`` holds, one file after the other."""
    stem = safe_stem(segmentation.image)
    yield f"{stem}_labels.png", label_map_png(segmentation)
    yield f"{stem}_labels.json", label_legend(segmentation)


def npz(segmentation: Segmentation) -> bytes:
    """Everything as arrays, for ``numpy.load(file, allow_pickle=False)``.

    masks (N, H, W) bool; label_map (H, W) int16; names, objects, parts, colours, granularities (N,)
    text, empty where there is none; similarities, probabilities, predicted_ious (N,) float32, NaN
    where there is none; areas (N,) and boxes (N, 4) x, y, width, height int64; image and model.
    """
    parts = segmentation.parts
    arrays: dict[str, np.ndarray] = {
        "label_map": segmentation.label_map(),
        "names": _texts([p.label for p in parts]),
        "objects": _texts([p.object for p in parts]),
        "parts": _texts([p.part for p in parts]),
        "colours": _texts([p.colour for p in parts]),
        "granularities": _texts([p.granularity for p in parts]),
        "similarities": _scores([p.similarity for p in parts]),
        "probabilities": _scores([p.probability for p in parts]),
        "predicted_ious": _scores([p.predicted_iou for p in parts]),
        "areas": np.array([p.area for p in parts], np.int64),
        "boxes": np.array([p.bbox for p in parts], np.int64).reshape(-1, 4),
        "image": np.array(segmentation.image),
        "model": np.array(segmentation.model),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        with archive.open(entry("masks.npy", True), "w", force_zip64=True) as file:
            _write_masks(file, segmentation)
        for name, array in arrays.items():
            with archive.open(entry(f"{name}.npy", True), "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def _write_masks(file: IO[bytes], segmentation: Segmentation) -> None:
    """(N, H, W) bool as .npy, one mask in memory at a time."""
    shape = (len(segmentation.parts), segmentation.height, segmentation.width)
    header: dict[str, Any] = {"descr": "|b1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    for part in segmentation.parts:
        file.write(np.ascontiguousarray(replace(part).mask).tobytes())


def entry(name: str, compress: bool) -> zipfile.ZipInfo:
    """A file of an archive, readable by all, of no time of day."""
    made = zipfile.ZipInfo(name, EPOCH)
    made.external_attr = READABLE
    made.create_system = 3  # Unix, wherever it is written
    made.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    return made


def _texts(values: Sequence[str | None]) -> np.ndarray:
    return np.array([value or "" for value in values], np.str_)


def _scores(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float32)
