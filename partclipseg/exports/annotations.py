"""Results as annotations: COCO's detection format, and a table of many photos."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from partclipseg.results import Segmentation

COLUMNS = ("photo", "width", "height", "number", "label", "object", "part", "similarity",
           "probability", "predicted_iou", "area", "area_percent", "x", "y", "box_width",
           "box_height", "colour", "granularity", "model")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes spreadsheets run a cell


def coco(segmentation: Segmentation) -> dict[str, Any]:
    """One photo in COCO's detection format: category name = part, supercategory = object."""
    names = list(dict.fromkeys((p.object or "", p.part or p.label) for p in segmentation.parts))
    category = {name: i + 1 for i, name in enumerate(names)}
    annotations = [
        {
            "id": number, "image_id": 1, "iscrowd": 0,
            "category_id": category[(part.object or "", part.part or part.label)],
            "segmentation": dict(part.rle), "area": part.area, "bbox": list(part.bbox),
            "score": part.predicted_iou if part.probability is None else part.probability,
            "similarity": part.similarity, "predicted_iou": part.predicted_iou,
            "label": part.label, "colour": part.colour,
        }
        for number, part in enumerate(segmentation.parts, 1)
    ]  # fmt: skip
    image = {"id": 1, "file_name": segmentation.image, "width": segmentation.width,
             "height": segmentation.height}  # fmt: skip
    return {
        "info": {"description": "PartCLIPSeg", "model": segmentation.model},
        "images": [image],
        "categories": [
            {"id": i, "name": part, "supercategory": owner} for (owner, part), i in category.items()
        ],
        "annotations": annotations,
    }


def coco_json(segmentation: Segmentation) -> bytes:
    """``coco`` as a file."""
    return as_json(coco(segmentation))


def summary_csv(segmentations: Iterable[Segmentation]) -> bytes:
    """A row for every part of many photos, for spreadsheets; photos without parts have a row too.

    Text that a spreadsheet would run as a formula gets an apostrophe in front. UTF-8 with a byte
    order mark, without which Excel reads it in another encoding.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for found in segmentations:
        photo = (cell(found.image), found.width, found.height)
        if not found.parts:
            table.writerow((*photo, *[""] * (len(COLUMNS) - 4), cell(found.model)))
        for number, part in enumerate(found.parts, 1):
            scores = (part.similarity, part.probability, part.predicted_iou)
            table.writerow((
                *photo, number, *map(cell, (part.label, part.object, part.part)),
                *("" if value is None else f"{value:.4f}" for value in scores), part.area,
                f"{100 * part.area / (found.width * found.height):.3f}", *part.bbox, part.colour,
                part.granularity or "", cell(found.model),
            ))  # fmt: skip
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8", "replace")


def as_json(value: Any) -> bytes:
    """Indented UTF-8 JSON; half characters, which UTF-8 has no form for, become "?"."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "replace")


def cell(text: str | None) -> str:
    """Text as a spreadsheet may read it: never as a formula."""
    text = text or ""
    return f"'{text}" if text.startswith(FORMULA) else text
