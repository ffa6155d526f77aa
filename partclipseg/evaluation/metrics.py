"""Overlap of masks, a dataset-level confusion kept class by class, and calibration."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
"""``(H, W)``, True inside."""
LabelMap = NDArray[np.int32]
"""``(H, W)``, an index into a list of names, -1 where there is none."""

NOTHING = -1
MIN_AREA = 0.002
"""Masks below this share of the photo say more about the annotation than about the model."""


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks of one shape; 0.0 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0


BAND = 0.02
"""Width of the band that boundary IoU looks at, as a share of the photo's diagonal."""


def boundary(mask: Mask) -> Mask:
    """The pixels of a mask ``(H, W)`` within ``BAND`` of its outline, measured inwards.

    Distance is counted as in a 3 x 3 erosion repeated (the larger of dx and dy), the border of the
    photo is part of the outline, and the band is at least a pixel wide: Cheng et al., "Boundary
    IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021.
    """
    band = np.zeros_like(mask)
    if not mask.any():
        return band
    width = max(1, round(BAND * float(np.hypot(*mask.shape))))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    depth = ndimage.distance_transform_cdt(np.pad(mask[window], 1), metric="chessboard")
    band[window] = mask[window] & (depth[1:-1, 1:-1] <= width)
    return band


def boundary_iou(a: Mask, b: Mask) -> float:
    """IoU of the boundaries of two masks of one shape; 0.0 where both are empty."""
    return iou(boundary(a), boundary(b))


def large_enough(area: int, shape: tuple[int, ...]) -> bool:
    """Whether ``area`` pixels are at least ``MIN_AREA`` of a photo of ``shape`` (H, W)."""
    return area > 0 and area >= MIN_AREA * shape[0] * shape[1]


def label_map(
    shape: tuple[int, int],
    masks: Sequence[Mask],
    indices: Sequence[int],
    sureness: Sequence[float] | None = None,
) -> LabelMap:
    """Paint masks into one map ``(H, W)``; where they overlap the smaller one is the label.

    Args:
        shape: (H, W) of the map.
        masks: one ``(H, W)`` mask an entry, in any order and with any overlap.
        indices: what to write for each mask; several masks may share an index.
        sureness: of each mask; if given, the surer one is the label, whatever its size.
    """
    result = np.full(shape, NOTHING, np.int32)
    last = sureness or [-float(np.count_nonzero(mask)) for mask in masks]
    for i in sorted(range(len(masks)), key=lambda i: last[i]):
        result[masks[i]] = indices[i]
    return result


@dataclass(frozen=True)
class Overlap:
    """Pixel counts of one comparison, each ``(K,)`` int64 with one entry a class."""

    intersection: NDArray[np.int64]
    predicted: NDArray[np.int64]
    target: NDArray[np.int64]

    @property
    def iou(self) -> NDArray[np.float64]:
        """``(K,)``; 0.0 for a class that is in neither map."""
        union = self.predicted + self.target - self.intersection
        return self.intersection / np.maximum(union, 1)


def overlap(predicted: NDArray[np.integer], target: NDArray[np.integer], classes: int) -> Overlap:
    """Compare two arrays of class indices (-1 = none) of one shape, over all their pixels."""
    side = classes + 1  # one more row and column for "none"
    cells = (target.astype(np.int64) + 1) * side + predicted + 1
    confusion = np.bincount(cells.ravel(), minlength=side * side).reshape(side, side)
    return Overlap(
        intersection=np.diagonal(confusion)[1:].astype(np.int64),
        predicted=confusion.sum(axis=0)[1:],
        target=confusion.sum(axis=1)[1:],
    )


@dataclass
class _Counts:
    intersection: int = 0
    union: int = 0
    occurrences: int = 0


@dataclass
class Tally:
    """The confusion of a whole dataset, class by class, filled one comparison at a time.

    Classes are named, not numbered, so that comparisons over different classes (the parts of a car,
    then those of a dog) go into one tally.
    """

    _classes: dict[str, _Counts] = field(default_factory=dict)

    def add(self, names: Sequence[str], counts: Overlap) -> None:
        """Add one comparison; ``names`` are the K classes that it was made over."""
        for i, name in enumerate(names):
            entry = self._classes.setdefault(name, _Counts())
            both = int(counts.intersection[i])
            entry.intersection += both
            entry.union += int(counts.predicted[i]) + int(counts.target[i]) - both
            entry.occurrences += int(counts.target[i] > 0)

    @property
    def occurrences(self) -> int:
        """In how many (comparison, class) pairs the class was there to be found."""
        return sum(entry.occurrences for entry in self._classes.values())

    def per_class(self) -> dict[str, dict[str, float | int | None]]:
        """``{name: {"iou", "count"}}`` of the classes that occur, by name."""
        return {
            name: {"iou": entry.intersection / entry.union, "count": entry.occurrences}
            for name, entry in sorted(self._classes.items())
            if entry.occurrences
        }

    def miou(self) -> float | None:
        """Mean IoU over the classes that occur; None where none does."""
        return mean(
            entry.intersection / entry.union
            for entry in self._classes.values()
            if entry.occurrences
        )


@dataclass
class Calibration:
    """Whether what a model calls 80% sure is right in 80% of the cases.

    Answers are sorted into bins of equal width by how sure the model was of them: Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017.
    """

    width: float = 0.1
    _answers: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, probability: float, right: bool) -> None:
        """One answer: the probability in [0, 1] that the model gave it, and whether it is right."""
        self._answers.append((probability, right))

    def bins(self) -> list[dict[str, float]]:
        """``low``, ``high``, ``count``, ``confidence``, ``accuracy`` of each bin with answers."""
        count = round(1 / self.width)
        sorted_in: list[list[tuple[float, bool]]] = [[] for _ in range(count)]
        for probability, right in self._answers:
            sorted_in[min(int(probability * count), count - 1)].append((probability, right))
        return [
            {
                "low": round(i / count, 6),
                "high": round((i + 1) / count, 6),
                "count": len(answers),
                "confidence": round(sum(p for p, _ in answers) / len(answers), 6),
                "accuracy": round(sum(right for _, right in answers) / len(answers), 6),
            }
            for i, answers in enumerate(sorted_in)
            if answers
        ]

    def error(self) -> float | None:
        """Expected calibration error: the mean over answers of their bin's |accuracy - confidence|.

        None of no answers.
        """
        bins = self.bins()
        total = sum(row["count"] for row in bins)
        if not total:
            return None
        return sum(row["count"] * abs(row["accuracy"] - row["confidence"]) for row in bins) / total


def mean(values: Iterable[float]) -> float | None:
    """The mean of some numbers, None of no numbers."""
    listed = list(values)
    return float(np.mean(listed)) if listed else None
