"""Overlap of masks: IoU, label maps, and a dataset-level confusion that is kept class by class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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


def large_enough(area: int, shape: tuple[int, ...]) -> bool:
    """Whether ``area`` pixels are at least ``MIN_AREA`` of a photo of ``shape`` (H, W)."""
    return area > 0 and area >= MIN_AREA * shape[0] * shape[1]


def label_map(shape: tuple[int, int], masks: Sequence[Mask], indices: Sequence[int]) -> LabelMap:
    """Paint masks into one map ``(H, W)``; where they overlap the smaller one is the label.

    Args:
        shape: (H, W) of the map.
        masks: one ``(H, W)`` mask an entry, in any order and with any overlap.
        indices: what to write for each mask; several masks may share an index.
    """
    result = np.full(shape, NOTHING, np.int32)
    areas = [np.count_nonzero(mask) for mask in masks]
    for i in sorted(range(len(masks)), key=lambda i: -areas[i]):
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


def mean(values: Iterable[float]) -> float | None:
    """The mean of some numbers, None of no numbers."""
    listed = list(values)
    return float(np.mean(listed)) if listed else None
