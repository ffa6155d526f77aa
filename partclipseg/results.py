"""What the model answers: one type that the app, the command line and the exporters all read."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from partclipseg import palette
from partclipseg.errors import InputError

_WRONG_FORM = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


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
    rle: dict[str, Any] = field(repr=False, hash=False)
    granularity: str | None = None

    @classmethod
    def from_mask(
        cls, mask: np.ndarray, *, label: str, colour: str | None = None, object: str | None = None,
        part: str | None = None, similarity: float | None = None,
        probability: float | None = None, predicted_iou: float | None = None,
        granularity: str | None = None,
    ) -> "PartMask":  # fmt: skip
        """From an (H, W) bool mask. Raises InputError where it has another number of axes."""
        if np.ndim(mask) != 2:
            raise InputError(f"The mask has shape {np.shape(mask)}; a mask is (height, width).")
        encoded = coco_mask.encode(np.asfortranarray(mask, bool).view(np.uint8))
        x, y, width, height = (int(v) for v in coco_mask.toBbox(encoded))
        return cls(
            label=label, object=object, part=part, similarity=similarity, probability=probability,
            predicted_iou=predicted_iou, bbox=(x, y, width, height),
            area=int(coco_mask.area(encoded)), colour=colour or palette.colour(label),
            granularity=granularity,
            rle={"size": [int(v) for v in encoded["size"]], "counts": encoded["counts"].decode()},
        )  # fmt: skip

    @cached_property
    def mask(self) -> np.ndarray:
        """(H, W) bool, read-only; kept once it was asked for."""
        mask = self._decode()
        mask.setflags(write=False)
        return mask

    def _decode(self) -> np.ndarray:
        rle = {"size": self.rle["size"], "counts": self.rle["counts"].encode()}
        return coco_mask.decode(rle).view(bool)

    def to_json(self) -> dict[str, Any]:
        """A plain dict; the mask is ``segmentation``."""
        data = asdict(self)
        data["bbox"] = list(self.bbox)
        data["segmentation"] = data.pop("rle")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PartMask":
        """Inverse of ``to_json``. Raises InputError where it is of another form."""
        try:
            rle = data["segmentation"]
            size = [int(v) for v in rle["size"]]
            _check_rle(rle["counts"], *size)
            x, y, width, height = (int(v) for v in data["bbox"])
            colour = data.get("colour", "#888888")
            if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
                raise ValueError(f"the colour {colour!r} is not of the form #rrggbb")
            texts: dict[str, Any] = {
                k: _text(data.get(k)) for k in ("object", "part", "granularity")
            }
            scores: dict[str, Any] = {
                k: _score(data.get(k)) for k in ("similarity", "probability", "predicted_iou")
            }
            return cls(
                **texts, **scores,
                label=_name(data["label"]), bbox=(x, y, width, height), area=int(data["area"]),
                colour=colour, rle={"size": size, "counts": rle["counts"]},
            )  # fmt: skip
        except _WRONG_FORM as error:
            raise InputError(
                f"This is not a part of a PartCLIPSeg result: {error!r:.200}."
            ) from error


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
        """Inverse of ``to_json``. Raises InputError where it is of another form."""
        try:
            found = cls(
                image=_name(data["image"]), width=int(data["width"]), height=int(data["height"]),
                model=_name(data["model"]),
                parts=tuple(PartMask.from_json(p) for p in data["parts"]),
                messages=tuple(_name(m) for m in data.get("messages", ())),
            )  # fmt: skip
            if any(p.rle["size"] != [found.height, found.width] for p in found.parts):
                raise ValueError("a mask has another size than the photo")
            return found
        except InputError:
            raise
        except _WRONG_FORM as error:
            raise InputError(f"This is not a PartCLIPSeg result: {error!r:.200}.") from error

    def label_map(self) -> np.ndarray:
        """(H, W) int16: 0 = no part, i + 1 = ``parts[i]``; where masks overlap the smaller wins."""
        out = np.zeros((self.height, self.width), np.int16)
        # The last one painted is seen: the smallest, and among equals the first, which is the best.
        for index in sorted(range(len(self.parts)), key=lambda i: (-self.parts[i].area, -i)):
            out[self.parts[index]._decode()] = index + 1
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
            for i in np.argsort(-row, kind="stable")[:count]
        ]


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _text(value: Any) -> str | None:
    return None if value is None else _name(value)


def _score(value: Any) -> float | None:
    """Finite or None: JSON has no form for anything else."""
    if value is None:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no score")
    return float(value)


def _check_rle(counts: str, height: int, width: int) -> None:
    """Raise ValueError unless the runs cover the photo: pycocotools trusts them blindly.

    COCO writes each run in digits of 5 bits, lowest first, from "0" on; bit 5 says that more
    follow, bit 4 of the last one is the sign; from the fourth run on only the difference to the
    run two before is written.
    """
    codes = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((codes & 32) == 0)
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or ends[-1:] != [len(codes) - 1]:
        raise ValueError("its mask is not a compressed RLE")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 8:
        raise ValueError("its mask holds a run that is longer than any photo")
    shifts = 5 * (np.arange(len(codes)) - np.repeat(starts, lengths))
    runs = np.add.reduceat((codes & 31) << shifts, starts)
    runs -= np.where(codes[ends] & 16, np.int64(1) << (5 * lengths), 0)
    runs[1::2] = runs[1::2].cumsum()
    runs[2::2] = runs[2::2].cumsum()
    pixels = height * width
    if pixels >= 2**32:  # pycocotools counts no further
        raise ValueError("its mask is larger than any photo")
    # Each run for itself too: so many are larger than all pixels that their sum could start anew.
    if runs.min() < 0 or min(height, width) < 1 or runs.max() > pixels or runs.sum() != pixels:
        raise ValueError("its mask does not cover the photo")
