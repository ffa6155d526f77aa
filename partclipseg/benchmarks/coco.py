"""Benchmarks that are COCO files: PartImageNet, PACO-LVIS; whole objects of COCO and LVIS."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from partclipseg.benchmarks.files import compressed, first_file, read_json, rle_record
from partclipseg.datasets import (
    WHOLE,
    MaskRecord,
    ObjectRecord,
    PartDataset,
    PhotoRecord,
)

SPELLING = {"tier": "tire"}  # PartImageNet's wheels
Row = Mapping[str, Any]


def partimagenet(folder: Path, split: str) -> PartDataset:
    """PartImageNet (He et al., ECCV 2022): ``annotations/SPLIT/SPLIT.json``, ``images/SPLIT``.

    Objects are its eleven super-categories ("quadruped"), parts lose that word ("Quadruped Head"
    -> "head"). An object's region is the union of its parts.

    Args:
        split: ``train``, ``val`` or ``test``; they have no ImageNet class in common.

    Raises:
        InputError: no annotations of this layout.
    """
    data = read_json(
        first_file(
            [
                folder / "annotations" / split / f"{split}.json",
                folder / "annotations" / f"{split}.json",
                folder / f"{split}.json",
            ]
        )
    )
    pairs = {}
    for category in data["categories"]:
        owner = category["supercategory"].strip().lower()
        part = category["name"].strip().lower().removeprefix(owner).strip()
        pairs[category["id"]] = (owner, SPELLING.get(part, part))

    def place(row: Row) -> Path:
        name = Path(row["file_name"])
        roots = (folder / "images" / split, folder / split, folder / "images")
        # Some copies keep ImageNet's folders: n01440764/n01440764_10029.JPEG.
        inside = (name, Path(name.name), Path(name.name.split("_")[0]) / name.name)
        return _first([root / path for root in roots for path in inside])

    images = _photos(data, place)
    for row in data["annotations"]:
        owner, part = pairs[row["category_id"]]
        _add_part(images[row["image_id"]], row, owner, part, None)
    classes = tuple(dict.fromkeys(pairs.values()))
    return PartDataset("partimagenet", split, True, tuple(images.values()), classes)


def paco_lvis(folder: Path, split: str) -> PartDataset:
    """PACO-LVIS (Ramanathan et al., CVPR 2023): ``paco_lvis_v1_SPLIT.json`` and COCO's photos.

    Its categories are objects ("trash_can") and parts of objects ("trash_can:lid"); a part's
    ``obj_ann_id`` is its object's annotation. Synonyms in brackets are dropped, underscores are
    blanks. A part without a mask may still be there.

    Args:
        folder: with the JSON, itself or in ``annotations``, and ``train2017`` and ``val2017``,
            themselves or in ``images``.
        split: ``train``, ``val`` or ``test``.

    Raises:
        InputError: no annotations of this layout.
    """
    name = f"paco_lvis_v1_{split}.json"
    places = [folder / name, folder / "annotations" / name, folder / "paco_lvis_v1" / name]
    data = read_json(first_file(places))
    categories = {row["id"]: _paco_name(row["name"]) for row in data["categories"]}
    images = _photos(data, lambda row: _coco_photo(folder, row))
    for row in data["annotations"]:
        owner, part = categories[row["category_id"]]
        photo = images[row["image_id"]]
        if part:
            _add_part(photo, row, owner, part, row.get("obj_ann_id"))
        else:
            _add_object(photo, row, owner)
    classes = tuple(dict.fromkeys((o, p) for o, p in categories.values() if p))
    return PartDataset("paco-lvis", split, False, tuple(images.values()), classes)


def instances(folder: Path, split: str) -> PartDataset:
    """COCO 2017: ``annotations/instances_SPLIT2017.json`` and ``SPLIT2017``; crowds are left out.

    Every object is one mask of the part "whole".

    Raises:
        InputError: no annotations of this layout.
    """
    data = read_json(first_file([folder / "annotations" / f"instances_{split}2017.json"]))
    return _wholes(data, folder, "coco", split, lambda name: name, f"{split}2017")


def lvis(folder: Path, split: str) -> PartDataset:
    """LVIS v1: ``lvis_v1_SPLIT.json``, itself or in ``annotations``, and COCO's photos.

    Every object is one mask of the part "whole". Objects are not labelled exhaustively.

    Raises:
        InputError: no annotations of this layout.
    """
    name = f"lvis_v1_{split}.json"
    data = read_json(first_file([folder / name, folder / "annotations" / name]))
    return _wholes(data, folder, "lvis", split, _plain, None)


def _wholes(
    data: dict[str, Any],
    folder: Path,
    name: str,
    split: str,
    spell: Callable[[str], str],
    photos: str | None,
) -> PartDataset:
    categories = {row["id"]: spell(row["name"]) for row in data["categories"]}
    images = _photos(data, lambda row: _coco_photo(folder, row, photos))
    for row in data["annotations"]:
        if not row.get("iscrowd"):
            _add_part(images[row["image_id"]], row, categories[row["category_id"]], WHOLE, None)
    classes = tuple((owner, WHOLE) for owner in dict.fromkeys(categories.values()))
    return PartDataset(name, split, False, tuple(images.values()), classes)


def _photos(data: dict[str, Any], place: Callable[[Row], Path]) -> dict[int, PhotoRecord]:
    return {
        row["id"]: PhotoRecord(row["id"], place(row), int(row["width"]), int(row["height"]))
        for row in data["images"]
    }


def _coco_photo(folder: Path, row: Row, photos: str | None = None) -> Path:
    """A COCO photo by its name (``train2017/000000391895.jpg``) or, as in LVIS, by its address."""
    name = row.get("file_name") or "/".join(row["coco_url"].split("/")[-2:])
    inside = Path(photos) / name if photos else Path(name)
    return _first([folder / inside, folder / "images" / inside])


def _first(candidates: list[Path]) -> Path:
    """The first that is there; the first of all where none is, for whoever opens it to name."""
    return next((path for path in candidates if path.is_file()), candidates[0])


def _add_part(photo: PhotoRecord, row: Row, owner: str, part: str, object_id: int | None) -> None:
    rle = compressed(row["segmentation"], photo.height, photo.width)
    if rle is not None:
        record: MaskRecord = rle_record(part, owner, rle, object_id)
        photo.annotations.append(record)


def _add_object(photo: PhotoRecord, row: Row, name: str) -> None:
    rle = compressed(row["segmentation"], photo.height, photo.width)
    if rle is not None:
        photo.objects.append(ObjectRecord(row["id"], name, rle))


def _paco_name(name: str) -> tuple[str, str]:
    """``"trash_can:lid"`` -> ("trash can", "lid"); the part is empty for an object."""
    owner, _, part = name.partition(":")
    return _plain(owner), _plain(part)


def _plain(name: str) -> str:
    """``"car_(automobile)"`` -> ``"car"``, ``"trash_can"`` -> ``"trash can"``."""
    return re.sub(r"_?\([^)]*\)", "", name).replace("_", " ").strip()
