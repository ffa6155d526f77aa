"""What there is to be found in an annotated photo, and how it is asked for in words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from partclipseg.datasets import WHOLE, MaskRecord, PhotoRecord, decode_rle
from partclipseg.errors import InputError
from partclipseg.evaluation.metrics import Mask

MAX_NAMES = 100
"""The prompt language takes no more names in one text."""


@dataclass(frozen=True)
class ObjectTarget:
    """One object of a photo with its part masks.

    Attributes:
        name: the object, e.g. ``"car"``.
        region: ``(H, W)``, the whole object.
        parts: the name of each mask; a name may come more than once (two wheels).
        masks: one ``(H, W)`` mask a name, none of them empty.
    """

    name: str
    region: Mask
    parts: tuple[str, ...]
    masks: tuple[Mask, ...]


def mask_of(record: PhotoRecord, rle: dict[str, Any]) -> Mask:
    """A mask of a photo, ``(H, W)``.

    Raises:
        InputError: where it is not a compressed RLE of the photo's size.
    """
    try:
        mask: Mask = decode_rle(rle)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"A mask of {record.path.name} is not a compressed COCO RLE: {error}."
        ) from error
    if mask.shape != (record.height, record.width):
        raise InputError(
            f"A mask of {record.path.name} is {mask.shape[1]} x {mask.shape[0]} pixels, but the "
            f"photo is {record.width} x {record.height}."
        )
    return mask


def objects_of(record: PhotoRecord) -> list[ObjectTarget]:
    """The objects of a photo that have part masks.

    Masks belong to the object whose id they carry. Those that carry none make up one object for
    each object name, whose region is their union.
    """
    regions = {entry.id: entry for entry in record.objects}
    grouped: dict[tuple[int | None, str], list[MaskRecord]] = defaultdict(list)
    for annotation in record.annotations:
        owner = annotation.object_id if annotation.object_id in regions else None
        grouped[owner, annotation.object].append(annotation)
    targets = []
    for (owner, name), annotations in grouped.items():
        pairs = [(a.part, mask_of(record, a.rle)) for a in annotations]
        pairs = [(part, mask) for part, mask in pairs if mask.any()]
        if not pairs:
            continue
        parts, masks = zip(*pairs, strict=True)
        if owner is None:
            region = np.logical_or.reduce(masks)
        else:
            region = mask_of(record, regions[owner].rle)
        targets.append(ObjectTarget(name, region, parts, masks))
    return targets


def object_names(record: PhotoRecord) -> list[str]:
    """The names of all objects in a photo, each once, also of those without a part mask."""
    names = [entry.name for entry in record.objects] + [a.object for a in record.annotations]
    return list(dict.fromkeys(names))


def class_name(object: str, part: str) -> str:
    """``"car: wheel"``, the key of a class in every report."""
    return f"{object}: {part}"


def text_for(asked: Mapping[str, Sequence[str]]) -> list[str]:
    """Prompt texts for all parts of all objects, as few as the language's limit on names allows.

    >>> text_for({"car": ["wheel", "front door"], "dog": ["head"]})
    ['car: wheel, front door; dog: head']
    """
    texts: list[str] = []
    phrases: list[str] = []
    count = 0
    for name, parts in asked.items():
        for start in range(0, len(parts), MAX_NAMES):
            chunk = parts[start : start + MAX_NAMES]
            if count + len(chunk) > MAX_NAMES:
                texts.append("; ".join(phrases))
                phrases, count = [], 0
            phrases.append(_phrase(name, chunk))
            count += len(chunk)
    return [*texts, "; ".join(phrases)] if phrases else texts


def _phrase(name: str, parts: Sequence[str]) -> str:
    """``car: wheel, front door``; an object is asked for as a whole by ``car:`` alone."""
    words = ", ".join(_quoted(part) for part in parts if part != WHOLE)
    alone = [f"{_quoted(name)}:"] if WHOLE in parts else []
    return "; ".join(alone + ([f"{_quoted(name)}: {words}"] if words else []))


def _quoted(name: str) -> str:
    """Keep a name that holds the language's own signs in one piece."""
    return f'"{name}"' if name.startswith("-") or any(sign in name for sign in ",:;") else name
