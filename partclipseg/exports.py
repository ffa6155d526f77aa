"""Results as files: COCO JSON, PNG; written whole or not at all."""

import io
import re
import unicodedata
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from partclipseg.images import SUFFIXES
from partclipseg.rendering import overlay, with_legend
from partclipseg.results import PartMask, Segmentation

RESERVED = {"con", "prn", "aux", "nul", *(f"{k}{i}" for k in ("com", "lpt") for i in range(1, 10))}
EDGES = "._- "  # hidden files, options of a shell, endings that Windows drops


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


def png(picture: np.ndarray | Image.Image) -> bytes:
    """An array or PIL image as PNG."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def mask_png(part: PartMask) -> bytes:
    """A part's mask: 8-bit grey, 255 inside."""
    return png(part.mask.astype(np.uint8) * 255)


def overlay_png(photo: np.ndarray, segmentation: Segmentation, *, opacity: float = 0.55) -> bytes:
    """The (H, W, 3) uint8 photo with coloured parts and a legend."""
    return png(with_legend(overlay(photo, segmentation, opacity=opacity), segmentation))


def safe_stem(name: str) -> str:
    """A file name's stem from any text, at most 80 characters and 200 bytes.

    Letters, digits and marks of all scripts stay; separators and all else become "_". A photo's
    ending is dropped, and names that Windows reserves are avoided.
    """
    # NFKC first: it turns some single characters into separators and digits.
    plain = unicodedata.normalize("NFKC", name)
    kept = "".join(c if c in "-." or unicodedata.category(c)[0] in "LMN" else "_" for c in plain)
    stem = re.sub("__+", "_", kept)
    if stem.lower().endswith(tuple(SUFFIXES)):
        stem = stem[: stem.rindex(".")]
    stem = stem.strip(EDGES)
    if not stem or stem.split(".")[0].casefold() in RESERVED:
        stem = f"photo_{stem}"
    stem = stem[:80]
    while len(stem.encode()) > 200:
        stem = stem[:-1]
    return stem.strip(EDGES)


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write to a temporary name in the same folder, then rename. Raises OSError."""
    path = Path(path)
    temporary = path.with_name(f".partclipseg-{uuid.uuid4().hex}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
