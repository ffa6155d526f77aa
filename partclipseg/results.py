"""What the model answers: one type that the app, the command line and the exporters all read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from partclipseg import palette
from partclipseg.errors import InputError


@dataclass(frozen=True)
class PartMask:
    """One mask with its name and scores.

    Attributes:
        label: what is shown, e.g. ``"car: wheel"``; object and part are its two halves.
        similarity: cosine of mask and name in CLIP space, [-1, 1].
        probability: calibrated over the asked names, [0, 1].
        predicted_iou: the decoder's guess of its own overlap with what was meant, [0, 1].
        bbox: (x, y, width, height), pixels of the photo.
        area: pixels.
        colour: ``#rrggbb``.
        rle: compressed COCO RLE, ``{"size": [H, W], "counts": str}``.
        granularity: "whole", "part", "subpart", or None where words alone decided.
    """

    label: str
    object: str | None
    part: str | None
    similarity: float | None
    probability: float | None
    predicted_iou: float | None
    bbox: tuple[int, int, int, int]
    area: int
    colour: str
    rle: dict[str, Any] = field(repr=False)
    granularity: str | None = None

    @classmethod
    def from_mask(
        cls, mask: np.ndarray, *, label: str, colour: str | None = None, object: str | None = None,
        part: str | None = None, similarity: float | None = None,
        probability: float | None = None, predicted_iou: float | None = None,
        granularity: str | None = None,
    ) -> "PartMask":  # fmt: skip
        """From an (H, W) bool mask."""
        encoded = coco_mask.encode(np.asfortranarray(mask, np.uint8))
        x, y, width, height = (int(v) for v in coco_mask.toBbox(encoded))
        return cls(
            label=label, object=object, part=part, similarity=similarity, probability=probability,
            predicted_iou=predicted_iou, bbox=(x, y, width, height),
            area=int(coco_mask.area(encoded)), colour=colour or palette.colour(label), granularity=granularity,
            rle={"size": [int(v) for v in encoded["size"]], "counts": encoded["counts"].decode()},
        )  # fmt: skip

    @cached_property
    def mask(self) -> np.ndarray:
        """(H, W) bool."""
        rle = {"size": self.rle["size"], "counts": self.rle["counts"].encode()}
        return coco_mask.decode(rle).astype(bool)

    def to_json(self) -> dict[str, Any]:
        """A plain dict; the mask is ``segmentation``."""
        data = asdict(self)
        data["bbox"] = list(self.bbox)
        data["segmentation"] = data.pop("rle")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PartMask":
        """Inverse of ``to_json``. Raises InputError where a key is missing."""
        try:
            rle = data["segmentation"]
            return cls(
                **{k: data.get(k) for k in
                   ("object", "part", "similarity", "probability", "predicted_iou", "granularity")},
                label=data["label"], bbox=tuple(int(v) for v in data["bbox"]),
                area=int(data["area"]), colour=data.get("colour", "#888888"),
                rle={"size": list(rle["size"]), "counts": rle["counts"]},
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"This is not a part of a PartCLIPSeg result: {error!r}.") from error


@dataclass(frozen=True)
class Segmentation:
    """All parts found on one photo.

    Attributes:
        image: the photo's name (its file's stem).
        width, height: of the photo, pixels.
        model: name of the model.
        messages: sentences for the visitor, e.g. what was not found.
        timings: milliseconds by stage; not part of the JSON, which the same input always repeats.
    """

    image: str
    width: int
    height: int
    model: str
    parts: tuple[PartMask, ...] = ()
    messages: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, see the README for its form."""
        return {
            "image": self.image, "width": self.width, "height": self.height, "model": self.model,
            "parts": [p.to_json() for p in self.parts], "messages": list(self.messages),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Segmentation":
        """Inverse of ``to_json``. Raises InputError where a key is missing."""
        try:
            return cls(
                image=data["image"], width=int(data["width"]), height=int(data["height"]),
                model=data["model"], parts=tuple(PartMask.from_json(p) for p in data["parts"]),
                messages=tuple(data.get("messages", ())),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"This is not a PartCLIPSeg result: {error!r}.") from error

    def label_map(self) -> np.ndarray:
        """(H, W) int16: 0 = no part, i + 1 = ``parts[i]``; where masks overlap the smaller wins."""
        out = np.zeros((self.height, self.width), np.int16)
        for index in sorted(range(len(self.parts)), key=lambda i: -self.parts[i].area):
            out[self.parts[index].mask] = index + 1
        return out


@dataclass(frozen=True)
class Labels:
    """How M masks compare with N names.

    Attributes:
        names: N labels.
        similarities: (M, N) float32 cosines.
        probabilities: (M, N) float32, rows sum to 1.
    """

    names: tuple[str, ...]
    similarities: np.ndarray
    probabilities: np.ndarray

    def top(self, index: int, count: int = 5) -> Sequence[tuple[str, float, float]]:
        """The best ``count`` names of mask ``index``: (name, similarity, probability)."""
        row = self.similarities[index]
        return [
            (self.names[i], float(row[i]), float(self.probabilities[index, i]))
            for i in np.argsort(-row)[:count]
        ]
