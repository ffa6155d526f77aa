"""A tiny annotated set, and a predictor that knows the answers: what evaluation is tested with."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg import datasets, images, prompts
from partclipseg.evaluation.metrics import Mask, label_map
from partclipseg.evaluation.targets import objects_of
from partclipseg.results import Labels, PartMask, Segmentation

WIDTH, HEIGHT = 60, 40

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1: pixels x0 to x1 - 1."""


def mask_of_box(box: Box) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def rle(mask: Mask) -> dict[str, Any]:
    encoded = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}


def write_set(
    folder: Path,
    parts: Sequence[Sequence[tuple[str, str, Box, int | None]]],
    objects: Sequence[Sequence[tuple[int, str, Box]]] = (),
    *,
    extra: Sequence[tuple[str, str]] = (),
    exhaustive: bool = True,
) -> Path:
    """Write ``folder`` with one photo an entry of ``parts``.

    Args:
        parts: per photo (object, part, box, id of the object).
        objects: per photo (id, object, box); ids are unique in the set.
        extra: further (object, part) names of the set that no photo shows.
    """
    (folder / "images").mkdir(parents=True)
    pairs = list(dict.fromkeys([(o, p) for photo in parts for o, p, *_ in photo] + list(extra)))
    data: dict[str, Any] = {
        "info": {"set": folder.name, "split": "val", "exhaustive": exhaustive},
        "images": [],
        "categories": [
            {"id": i, "name": part, "supercategory": owner} for i, (owner, part) in enumerate(pairs)
        ],
        "annotations": [],
        "objects": [],
    }
    for number, photo in enumerate(parts):
        name = f"photo{number}.png"
        noise = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(noise).save(folder / "images" / name)
        size = {"width": WIDTH, "height": HEIGHT}
        data["images"].append({"id": number, "file_name": name, **size})
        for owner, part, box, object_id in photo:
            mask = mask_of_box(box)
            row: dict[str, Any] = {
                "image_id": number,
                "category_id": pairs.index((owner, part)),
                "iscrowd": 0,
            }
            row |= {"id": len(data["annotations"]), "area": int(mask.sum())}
            row |= {"segmentation": rle(mask), "bbox": [box[0], box[1], 1.0, 1.0]}
            data["annotations"].append(
                row | ({} if object_id is None else {"object_id": object_id})
            )
    for number, entries in enumerate(objects):
        for object_id, owner, box in entries:
            owned: dict[str, Any] = {"id": object_id, "image_id": number, "name": owner}
            data["objects"].append(owned | {"segmentation": rle(mask_of_box(box))})
    (folder / "val.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Encoded:
    """As much of an encoded photo as evaluation and the command line look at."""

    photo: images.Photo
    record: datasets.PhotoRecord | None = None


def same(mask: Mask) -> Mask:
    return mask


class ScriptedPredictor:
    """Answers from the annotations, after ``spoil`` was done to every mask.

    Attributes:
        texts: every text that was asked for.
        names: every list of names that was to be told apart.
        clicks: the number of points of each click prompt, and whether a mask came with it.
    """

    name = "scripted"

    def __init__(
        self, dataset: datasets.PartDataset | None = None, spoil: Callable[[Mask], Mask] = same
    ) -> None:
        self.spoil = spoil
        self.records = {record.path: record for record in dataset.images} if dataset else {}
        self.texts: list[str] = []
        self.names: list[Sequence[str]] = []
        self.clicks: list[tuple[int, bool]] = []

    def encode(self, image: Any) -> Encoded:
        return Encoded(images.read(image), self.records.get(image))

    def compete(
        self, region: Mask, object: str, parts: Sequence[str], *, photo: Encoded
    ) -> NDArray[np.int16]:
        assert photo.record is not None
        target = next(
            t for t in objects_of(photo.record) if t.name == object and (t.region == region).all()
        )
        masks = [self.spoil(mask) & region for mask in target.masks]
        return label_map(region.shape, masks, [parts.index(p) for p in target.parts]).astype(
            np.int16
        )

    def segment(self, text: str, *, photo: Encoded, threshold: float = 0.5) -> Segmentation:
        self.texts.append(text)
        asked = {(q.object, q.part) for q in prompts.parse(text).queries}
        return self._result(photo, [p for p in self._parts(photo) if (p.object, p.part) in asked])

    def predict(
        self,
        points: Any = None,
        point_labels: Any = None,
        boxes: Any = None,
        mask: Any = None,
        text: str | None = None,
        granularity: str | None = None,
        *,
        photo: Encoded,
    ) -> Segmentation:
        """The smallest part under the last positive click; ranked behind the whole photo's."""
        prompts.validate(
            photo.photo.width, photo.photo.height, points, point_labels, boxes, mask, text
        )
        self.clicks.append((len(points), mask is not None))
        (x, y), _ = [
            (point, label) for point, label in zip(points, point_labels, strict=True) if label
        ][-1]
        under = [part for part in self._parts(photo) if part.mask[int(y), int(x)]]
        whole = PartMask.from_mask(np.ones((HEIGHT, WIDTH), bool), label="all")
        return self._result(photo, [whole, *sorted(under, key=lambda part: part.area)[:1]])

    def everything(self, vocabulary: Any = None, *, photo: Encoded) -> Segmentation:
        return self._result(photo, self._parts(photo))

    def label(self, masks: Any, names: Sequence[str], *, photo: Encoded) -> Labels:
        """Sure of the first name, whatever the mask."""
        self.names.append(names)
        similarities = np.tile(np.linspace(1, 0, len(names), dtype=np.float32), (len(masks), 1))
        return Labels(tuple(names), similarities, similarities / similarities.sum(1, keepdims=True))

    def _parts(self, photo: Encoded) -> list[PartMask]:
        if photo.record is None:
            middle = np.zeros(photo.photo.array.shape[:2], bool)
            middle[4:-4, 4:-4] = True
            return [PartMask.from_mask(middle, label="car: wheel", object="car", part="wheel")]
        return [
            PartMask.from_mask(
                self.spoil(mask), label=f"{t.name}: {part}", object=t.name, part=part
            )
            for t in objects_of(photo.record)
            for part, mask in zip(t.parts, t.masks, strict=True)
        ]

    def _result(self, photo: Encoded, parts: Sequence[PartMask]) -> Segmentation:
        return Segmentation(
            image=photo.photo.name,
            width=photo.photo.width,
            height=photo.photo.height,
            model=self.name,
            parts=tuple(parts),
            messages=() if parts else ("no car found",),
            timings={},
        )
