"""What the server tells the canvas: small JSON with run-length masks at the size of the screen.

Masks are sent at no more than ``MASK_SIDE`` pixels a side, whatever the photo's size: the canvas
paints them over a photo that is at most ``PHOTO_SIDE`` itself. Files that the visitor saves are
made from the full-size answer.
"""

import io
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from gradio import FileData
from gradio.utils import get_upload_folder
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg import images
from partclipseg.results import PartMask, Segmentation

PHOTO_SIDE = 2048
MASK_SIDE = 1280
JPEG_QUALITY = 92


def file_data(content: bytes, name: str) -> dict[str, Any]:
    """Write bytes where Gradio serves files from, in a folder nobody can guess; Gradio's JSON."""
    folder = Path(get_upload_folder()) / secrets.token_hex(20)
    folder.mkdir(parents=True)
    path = folder / name
    path.write_bytes(content)
    return FileData(path=str(path), orig_name=name).model_dump()


def shown_photo(photo: images.Photo) -> bytes:
    """The photo as the browser shows it: upright, opaque, at most PHOTO_SIDE a side, JPEG."""
    picture = Image.fromarray(photo.array)
    picture.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def photo_message(photo: images.Photo, prompt: str) -> dict[str, Any]:
    """The photo's entry of the answer to ``open_photo``."""
    return {
        "id": photo.digest,
        "name": photo.name,
        "width": photo.width,
        "height": photo.height,
        "notes": list(photo.notes),
        "prompt": prompt,
        "grid": list(mask_size(photo.width, photo.height)),
        "file": file_data(shown_photo(photo), "photo.jpg"),
    }


def mask_size(width: int, height: int) -> tuple[int, int]:
    """(height, width) in which masks travel for a photo of that size."""
    scale = min(1.0, MASK_SIDE / max(width, height))
    return max(1, round(height * scale)), max(1, round(width * scale))


def part_messages(segmentation: Segmentation) -> list[dict[str, Any]]:
    """One entry a part: everything but the full-size mask."""
    height, width = mask_size(segmentation.width, segmentation.height)
    whole = (height, width) == (segmentation.height, segmentation.width)
    pixels = segmentation.width * segmentation.height
    return [
        {
            "label": part.label,
            "object": part.object,
            "part": part.part,
            "similarity": _rounded(part.similarity),
            "probability": _rounded(part.probability),
            "predicted_iou": _rounded(part.predicted_iou),
            "granularity": part.granularity,
            "colour": part.colour,
            "share": round(part.area / pixels, 6),
            "rle": part.rle if whole else _resized(part, (width, height)),
        }
        for part in segmentation.parts
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _resized(part: PartMask, size: tuple[int, int]) -> dict[str, Any]:
    """The mask at (width, height), by nearest pixel: borders stay borders.

    ``part.mask`` would keep the full-size mask for as long as the answer is cached.
    """
    full = coco_mask.decode({**part.rle, "counts": part.rle["counts"].encode("ascii")})
    small = np.asarray(Image.fromarray(full).resize(size, Image.Resampling.NEAREST))
    encoded = coco_mask.encode(np.asfortranarray(small))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode("ascii")}
