"""What the readers share: files of a download, and masks in any of COCO's three forms."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg.datasets import MaskRecord, ObjectRecord, decode_rle
from partclipseg.errors import InputError

Mask = NDArray[np.bool_]


def existing_folder(folder: Path) -> Path:
    """The folder itself. Raises InputError where it does not exist."""
    if not folder.is_dir():
        raise InputError(f'There is no folder "{folder}"; unpack the download as it is.')
    return folder


def first_file(candidates: Sequence[Path]) -> Path:
    """The first of some places that is a file. Raises InputError where none is."""
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        places = ", ".join(f'"{path}"' for path in candidates)
        raise InputError(f"None of these files exists: {places}.")
    return found


def read_json(path: Path) -> dict[str, Any]:
    """A COCO-style JSON file. Raises InputError where it is missing or something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(data, dict) or not {"images", "annotations"} <= data.keys():
        raise InputError(f"{path} is not a COCO file with images and annotations.")
    return data


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of a photo, pixels. Raises InputError where it cannot be opened."""
    try:
        with Image.open(path) as opened:
            return opened.size
    except OSError as error:
        raise InputError(f"{path} cannot be read as a photo: {error}.") from error


def compressed(segmentation: Any, height: int, width: int) -> dict[str, Any] | None:
    """Polygons, uncompressed or compressed RLE -> compressed RLE; None for an empty mask.

    Polygons of fewer than three points are left out, as everywhere else.
    """
    if isinstance(segmentation, list):
        polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
        if not polygons:
            return None
        rle = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    elif isinstance(segmentation["counts"], list):
        rle = coco_mask.frPyObjects(segmentation, height, width)
    else:
        rle = segmentation
    counts = rle["counts"]
    text = counts.decode() if isinstance(counts, bytes) else counts
    known = {"size": [int(side) for side in rle["size"]], "counts": text}
    return known if area(known) else None


def decoded(segmentation: Any, height: int, width: int) -> Mask | None:
    """As ``compressed``, but the mask ``(H, W)``."""
    rle = compressed(segmentation, height, width)
    return None if rle is None else decode_rle(rle)


def encoded(mask: Mask) -> dict[str, Any]:
    """``(H, W)`` bool -> compressed RLE."""
    rle = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode()}


def area(rle: dict[str, Any]) -> int:
    """Pixels of a compressed RLE."""
    return int(coco_mask.area(_bytes(rle)))


def mask_record(part: str, owner: str, mask: Mask, object_id: int | None) -> MaskRecord:
    """The record of a mask that is not empty."""
    return rle_record(part, owner, encoded(mask), object_id)


def rle_record(part: str, owner: str, rle: dict[str, Any], object_id: int | None) -> MaskRecord:
    """The record of a compressed RLE."""
    x, y, width, height = (float(value) for value in coco_mask.toBbox(_bytes(rle)))
    return MaskRecord(part, owner, rle, (x, y, width, height), float(area(rle)), object_id)


def object_record(number: int, name: str, mask: Mask) -> ObjectRecord:
    """The record of a whole object's mask."""
    return ObjectRecord(number, name, encoded(mask))


def _bytes(rle: dict[str, Any]) -> dict[str, Any]:
    return {"size": rle["size"], "counts": rle["counts"].encode()}
