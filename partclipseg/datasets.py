"""Folders of photos with part masks, read and written: ``images/``, ``SPLIT.json`` in COCO style.

``categories``: ``name`` is the part, ``supercategory`` the object. ``objects`` may hold masks of
whole objects, joined to annotations by ``object_id``. ``info.exhaustive`` says whether an object's
unlabelled pixels are known to be none of its parts.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg.errors import InputError

WHOLE = "whole"  # the part name that stands for an object itself
SCENE = "scene"  # the object name of class-agnostic regions


def decode_rle(rle: dict[str, Any]) -> np.ndarray:
    """Compressed COCO RLE -> ``(H, W)`` bool."""
    counts = rle["counts"]
    raw = counts.encode() if isinstance(counts, str) else counts
    return coco_mask.decode({"size": rle["size"], "counts": raw}).astype(bool)


@dataclass(frozen=True)
class MaskRecord:
    """One annotated mask: ``bbox`` is (x, y, w, h) in pixels of the photo."""

    part: str
    object: str
    rle: dict[str, Any]
    bbox: tuple[float, float, float, float]
    area: float
    object_id: int | None = None


@dataclass(frozen=True)
class ObjectRecord:
    """One whole object."""

    id: int
    name: str
    rle: dict[str, Any]


@dataclass
class PhotoRecord:
    """One photo and what is labelled on it."""

    id: int
    path: Path
    width: int
    height: int
    group: str | None = None
    annotations: list[MaskRecord] = field(default_factory=list)
    objects: list[ObjectRecord] = field(default_factory=list)
    shows: tuple[str, ...] = ()  # objects that are known to be somewhere in it


@dataclass(frozen=True)
class PartDataset:
    """A split of a set: photos in file order."""

    name: str
    split: str
    exhaustive: bool
    images: tuple[PhotoRecord, ...]
    pairs: tuple[tuple[str, str], ...]  # (object, part), in the file's order

    @cached_property
    def _parts(self) -> dict[str, tuple[str, ...]]:
        parts: dict[str, list[str]] = {}
        for owner, part in self.pairs:
            parts.setdefault(owner, []).append(part)
        return {owner: tuple(dict.fromkeys(names)) for owner, names in parts.items()}

    def parts_of(self, owner: str) -> tuple[str, ...]:
        """The part names that this set has for an object; empty if it has none."""
        return self._parts.get(owner, ())


def read(folder: str | Path, split: str) -> PartDataset:
    """Read ``folder/SPLIT.json``. Raises InputError where it is missing or not of the form."""
    folder = Path(folder)
    file = folder / f"{split}.json"
    if not file.is_file():
        found = ", ".join(sorted(p.stem for p in folder.glob("*.json"))) or "no .json file"
        raise InputError(f"{file} does not exist; the folder has {found}.")
    try:
        return _parse(folder, split, json.loads(file.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is not a COCO file with images, categories and annotations: {error!r}."
        ) from error


def read_shown(folder: str | Path) -> PartDataset:
    """Photos without masks whose objects are known: ``labels.json``, {file: {"names": [...]}}.

    A photo's ``group`` is its ``wnid``, the name of its meaning in WordNet, where it has one.

    Raises InputError where it is missing or not of the form.
    """
    folder = Path(folder)
    file = folder / "labels.json"
    if not file.is_file():
        raise InputError(f"{file} does not exist.")
    photos = []
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        for number, (name, row) in enumerate(sorted(rows.items())):
            path = folder / "images" / name
            with Image.open(path) as photo:
                width, height = photo.size
            shows = tuple(row["names"])
            photos.append(PhotoRecord(number, path, width, height, row.get("wnid"), shows=shows))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError(f"{file} does not list photos with their names: {error!r}.") from error
    return PartDataset(folder.name, "train", False, tuple(photos), ())


def _parse(folder: Path, split: str, data: dict[str, Any]) -> PartDataset:
    info = data.get("info", {})
    photos = {
        row["id"]: PhotoRecord(
            id=row["id"], path=folder / "images" / row["file_name"],
            width=int(row["width"]), height=int(row["height"]),
            group=row.get("group") or row.get("source_image"),
        )
        for row in data["images"]
    }  # fmt: skip
    categories = {c["id"]: (c["supercategory"], c["name"]) for c in data["categories"]}
    for row in data["annotations"]:
        owner, part = categories[row["category_id"]]
        photos[row["image_id"]].annotations.append(
            MaskRecord(
                part=part, object=owner, rle=row["segmentation"], bbox=tuple(row["bbox"]),
                area=row["area"], object_id=row.get("object_id"),
            )
        )  # fmt: skip
    for row in data.get("objects", []):
        photos[row["image_id"]].objects.append(
            ObjectRecord(row["id"], row["name"], row["segmentation"])
        )
    return PartDataset(
        name=info.get("set", folder.name),
        split=split,
        exhaustive=bool(info.get("exhaustive", True)),
        images=tuple(photos.values()),
        pairs=tuple(dict.fromkeys(categories.values())),
    )


def renamed(dataset: PartDataset, names: Mapping[str, Mapping[str, str]]) -> PartDataset:
    """The same masks under other part names: ``{object: {part: other name}}``.

    Raises InputError where a name does not occur, or two parts would get the same one.
    """
    known = set(dataset.pairs)
    if unknown := [f"{o}: {p}" for o, parts in names.items() for p in parts if (o, p) not in known]:
        raise InputError(f"{dataset.name} has no part {unknown[0]}; it cannot get another name.")

    def other(owner: str, part: str) -> str:
        return names.get(owner, {}).get(part, part)

    pairs = tuple((o, other(o, p)) for o, p in dataset.pairs)
    if len(set(pairs)) < len(known):
        raise InputError("Two parts of one object would get the same name; give each its own.")
    images = tuple(
        replace(
            photo,
            annotations=[replace(a, part=other(a.object, a.part)) for a in photo.annotations],
        )
        for photo in dataset.images
    )
    return replace(dataset, images=images, pairs=pairs)


def write(dataset: PartDataset, folder: str | Path) -> Path:
    """Write a set in the form that ``read`` reads; returns the JSON file.

    Photos are hard-linked into ``images/`` where the file system allows it, else copied.

    Raises:
        InputError: a photo that is not there, or a folder that cannot be written to.
    """
    folder = Path(folder)
    target = folder / f"{dataset.split}.json"
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        names = {photo.id: _placed(photo, folder / "images") for photo in dataset.images}
        target.write_text(json.dumps(_as_json(dataset, names)) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f'"{folder}" cannot be filled: {error}.') from error
    return target


def _placed(photo: PhotoRecord, images: Path) -> str:
    """Link or copy a photo; its new name. Photos of the same name get their id in front."""
    name = photo.path.name
    if (images / name).exists() and not (images / name).samefile(photo.path):
        name = f"{photo.id}_{name}"
    if not (images / name).exists():
        try:
            os.link(photo.path, images / name)
        except OSError:
            shutil.copyfile(photo.path, images / name)
    return name


def _as_json(dataset: PartDataset, names: Mapping[int, str]) -> dict[str, Any]:
    numbers = {pair: i for i, pair in enumerate(dataset.pairs)}
    annotations: list[dict[str, Any]] = []
    for photo in dataset.images:
        for mask in photo.annotations:
            row: dict[str, Any] = {
                "id": len(annotations), "image_id": photo.id, "iscrowd": 0,
                "category_id": numbers[mask.object, mask.part], "segmentation": mask.rle,
                "bbox": list(mask.bbox), "area": mask.area,
            }  # fmt: skip
            owner = {} if mask.object_id is None else {"object_id": mask.object_id}
            annotations.append(row | owner)
    return {
        "info": {"set": dataset.name, "split": dataset.split, "exhaustive": dataset.exhaustive},
        "images": [
            {"id": p.id, "file_name": names[p.id], "width": p.width, "height": p.height}
            | ({} if p.group is None else {"group": p.group})
            for p in dataset.images
        ],
        "categories": [
            {"id": i, "name": part, "supercategory": owner} for (owner, part), i in numbers.items()
        ],
        "annotations": annotations,
        "objects": [
            {"id": o.id, "image_id": photo.id, "name": o.name, "segmentation": o.rle}
            for photo in dataset.images
            for o in photo.objects
        ],
    }
