"""One small file with all training data, for a machine that has a GPU but not the data.

Photos are scaled down to what training looks at and stored as JPEG, masks with them as RLE; the
result is the same folder form, in one ZIP file.
"""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg import datasets
from partclipseg.errors import InputError

QUALITIES = (90, 84, 76, 68, 60, 50)
SAMPLED = 150  # photos from which the size at a quality is estimated
STAMP = (2000, 1, 1, 0, 0, 0)  # the same data give the same bytes


def pack(sets: Sequence[str], data: Path, file: Path, *, size: int = 416, limit_mb: float = 60.0,
         split: str = "train") -> int:  # fmt: skip
    """Write the ``sets`` of ``data``, and the unlabelled ``photos``, to ``file``.

    Args:
        size: longest side of a photo in pixels; smaller photos stay as they are.
        limit_mb: the JPEG quality is the best of a few at which the file stays below.

    Returns:
        The file's size in bytes.

    Raises:
        InputError: no quality makes the file small enough.
    """
    masked = [name for name in sets if not (data / name / "labels.json").is_file()]
    documents = {name: _document(data / name, split) for name in masked}
    extra = data / "photos" / "labels.json"
    photos = [data / n / "images" / row["file_name"] for n, d in documents.items()
              for row in d["images"]]  # fmt: skip
    if extra.is_file():
        photos += sorted((data / "photos" / "images").iterdir())
    quality = _quality(photos, size, limit_mb)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(temporary, "w") as target:
            for photo in photos:
                _add(target, photo.relative_to(data).as_posix(), _jpeg(photo, size, quality))
            for name, document in documents.items():
                text = json.dumps(_scaled(document, size)).encode()
                _add(target, f"{name}/{split}.json", text, zipfile.ZIP_DEFLATED)
            if extra.is_file():
                _add(target, "photos/labels.json", extra.read_bytes(), zipfile.ZIP_DEFLATED)
        if temporary.stat().st_size > limit_mb * 1e6:
            raise InputError(
                f"The data take {temporary.stat().st_size / 1e6:.0f} MB even at JPEG quality "
                f"{quality}; allow more, or name fewer sets or a smaller size."
            )
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return file.stat().st_size


def unpack(file: Path, folder: Path) -> Path:
    """The folder form of a packed file, made once; returns ``folder``."""
    if not folder.is_dir():
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            with zipfile.ZipFile(file) as source:
                source.extractall(temporary)
            temporary.replace(folder)
        except zipfile.BadZipFile as error:
            raise InputError(f"{file} is damaged or no packed data; pack it again.") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _document(folder: Path, split: str) -> dict[str, Any]:
    datasets.read(folder, split)  # says in a sentence what is wrong with it
    return dict(json.loads((folder / f"{split}.json").read_text(encoding="utf-8")))


def _quality(photos: Sequence[Path], size: int, limit_mb: float) -> int:
    chosen = photos[:: max(1, len(photos) // SAMPLED)]
    for quality in QUALITIES:
        mean = np.mean([len(_jpeg(p, size, quality)) for p in chosen]) if chosen else 0
        # A tenth is left for masks and for what the estimate is off.
        if mean * len(photos) < 0.9 * limit_mb * 1e6:
            return quality
    return QUALITIES[-1]


def _fitted(width: int, height: int, size: int) -> tuple[int, int]:
    scale = min(1.0, size / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _jpeg(path: Path, size: int, quality: int) -> bytes:
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    photo = photo.resize(_fitted(*photo.size, size), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def _scaled(document: dict[str, Any], size: int) -> dict[str, Any]:
    """The annotations at the photos' new sizes; masks that vanish are left out."""
    sizes = {}
    for row in document["images"]:
        row["width"], row["height"] = _fitted(row["width"], row["height"], size)
        sizes[row["id"]] = (row["width"], row["height"])
    for key in ("annotations", "objects"):
        rows = document.get(key, [])
        document[key] = [r for r in rows if _scale_mask(r, sizes[r["image_id"]])]
    return document


def _scale_mask(row: dict[str, Any], size: tuple[int, int]) -> bool:
    mask = Image.fromarray(datasets.decode_rle(row["segmentation"]).astype(np.uint8) * 255)
    small = np.asarray(mask.resize(size, Image.Resampling.BOX)) > 127
    if not small.any():
        return False
    rle = coco_mask.encode(np.asfortranarray(small.astype(np.uint8)))
    row["segmentation"] = {"size": list(rle["size"]), "counts": rle["counts"].decode()}
    row["bbox"] = [float(v) for v in coco_mask.toBbox(rle)]
    row["area"] = int(small.sum())
    return True


def _add(target: zipfile.ZipFile, name: str, data: bytes, method: int = zipfile.ZIP_STORED) -> None:
    entry = zipfile.ZipInfo(name, STAMP)
    entry.compress_type = method
    target.writestr(entry, data)
