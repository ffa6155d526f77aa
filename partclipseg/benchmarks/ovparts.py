"""Pascal-Part-116 and ADE20K-Part-234 as OV-PARTS (Wei et al., NeurIPS 2023) hands them out.

The pixels of their label images are positions in a list of classes that the images do not carry;
the lists lie in ``data/``, each with where it comes from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from partclipseg.benchmarks.files import (
    decoded,
    existing_folder,
    image_size,
    mask_record,
    object_record,
    read_json,
)
from partclipseg.datasets import MaskRecord, PartDataset, PhotoRecord
from partclipseg.errors import InputError

TABLES = {"pascal-part-116": "pascal_part_116.json", "ade20k-part-234": "ade20k_part_234.json"}
PARTS, OBJECTS = "annotations_detectron2_part", "annotations_detectron2_obj"
ADE_SPLITS = {"train": ("training", "train"), "val": ("validation", "val")}


@dataclass(frozen=True)
class Table:
    """What the numbers of a benchmark mean.

    Attributes:
        source: where the lists come from.
        ignore: the pixel value that is no class.
        objects: the object of each object number.
        unseen: those of them that a zero-shot model may not be trained on.
        classes: (object, part) of each part number.
    """

    source: str
    ignore: int
    objects: tuple[str, ...]
    unseen: tuple[str, ...]
    classes: tuple[tuple[str, str], ...]


@cache
def table(name: str) -> Table:
    """The lists of a benchmark; KeyError for a name that is not in ``TABLES``."""
    data = json.loads((Path(__file__).parent / "data" / TABLES[name]).read_text(encoding="utf-8"))
    pairs = [(owner, part) for owner, parts in data["classes"].items() for part in parts]
    return Table(
        data["source"], data["ignore"], tuple(data["objects"]), tuple(data["unseen"]), tuple(pairs)
    )


def pascal_part_116(folder: Path, split: str) -> PartDataset:
    """``images/SPLIT``, and label images in ``annotations_detectron2_{obj,part}/SPLIT``.

    All objects of one class in a photo are one region, as the benchmark counts them.

    Args:
        split: ``train`` or ``val``.

    Raises:
        InputError: a folder or a label image that is not of this layout.
    """
    names = table("pascal-part-116")
    photos = existing_folder(folder / "images" / split)
    existing_folder(folder / PARTS / split)
    images = []
    for number, file in enumerate(sorted((folder / PARTS / split).glob("*.png"))):
        photo = photos / f"{file.stem}.jpg"
        record = PhotoRecord(number, photo, *image_size(photo))
        labels = _labels(file, record)
        regions = _labels(folder / OBJECTS / split / file.name, record)
        for i in _present(regions, names.ignore, len(names.objects), file):
            record.objects.append(object_record(number * 100 + i, names.objects[i], regions == i))
        owners = {entry.name: entry.id for entry in record.objects}
        record.annotations = _parts(labels, names, file, owners)
        images.append(record)
    return PartDataset("pascal-part-116", split, True, tuple(images), names.classes)


def ade20k_part_234(folder: Path, split: str) -> PartDataset:
    """``ade20k_instance_SPLIT.json``, ``images/*``, ``annotations_detectron2_part/*``.

    Each instance is an object of its own, with those pixels of the photo's label image that lie in
    it and are parts of its class. Not every part of an object is labelled.

    Args:
        split: ``train`` or ``val``.

    Raises:
        InputError: a folder, a file or a label image that is not of this layout.
    """
    if split not in ADE_SPLITS:
        raise InputError(f'ADE20K-Part-234 has no split "{split}"; use train or val.')
    names = table("ade20k-part-234")
    photos, stem = ADE_SPLITS[split]
    data = read_json(folder / f"ade20k_instance_{stem}.json")
    existing_folder(folder / PARTS / photos)
    instances: dict[int, list[Mapping[str, Any]]] = {}
    for row in data["annotations"]:
        instances.setdefault(row["image_id"], []).append(row)
    images = []
    for row in data["images"]:
        name = Path(row["file_name"])
        size = int(row["width"]), int(row["height"])
        record = PhotoRecord(row["id"], folder / "images" / photos / name.name, *size)
        file = folder / PARTS / photos / f"{name.stem}.png"
        labels = _labels(file, record)
        for instance in instances.get(row["id"], []):
            owner = names.objects[instance["category_id"]]
            region = decoded(instance["segmentation"], record.height, record.width)
            if region is None:
                continue
            record.objects.append(object_record(instance["id"], owner, region))
            inside = np.where(region, labels, names.ignore)
            record.annotations += _parts(inside, names, file, {owner: instance["id"]})
        images.append(record)
    return PartDataset("ade20k-part-234", split, False, tuple(images), names.classes)


def _labels(file: Path, record: PhotoRecord) -> NDArray[np.int64]:
    """A label image ``(H, W)``, 8 or 16 bits."""
    try:
        with Image.open(file) as opened:
            labels = np.asarray(opened).astype(np.int64)
    except OSError as error:
        raise InputError(f"{file} cannot be read as a label image: {error}.") from error
    if labels.shape != (record.height, record.width):
        raise InputError(
            f"{file} is of shape {labels.shape}, but its photo is {record.width} x {record.height}."
        )
    return labels


def _present(labels: NDArray[np.int64], ignore: int, classes: int, file: Path) -> list[int]:
    """The classes in a label image. Raises InputError for one that the list does not have."""
    found = [int(value) for value in np.unique(labels) if value != ignore]
    if found and found[-1] >= classes:
        raise InputError(f"{file} holds the class {found[-1]}, but there are {classes} only.")
    return found


def _parts(
    labels: NDArray[np.int64], names: Table, file: Path, owners: Mapping[str, int]
) -> list[MaskRecord]:
    """A mask for each class in a label image whose object is one of ``owners`` (name -> id)."""
    return [
        mask_record(part, owner, labels == i, owners[owner])
        for i in _present(labels, names.ignore, len(names.classes), file)
        for owner, part in [names.classes[i]]
        if owner in owners
    ]
