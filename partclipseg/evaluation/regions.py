"""The protocols that give every pixel a name: inside given objects, and from words alone."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from partclipseg.datasets import WHOLE, PartDataset, PhotoRecord
from partclipseg.evaluation.metrics import (
    NOTHING,
    LabelMap,
    Mask,
    Tally,
    boundary_iou,
    label_map,
    large_enough,
    mean,
    overlap,
)
from partclipseg.evaluation.novelty import Novel, split
from partclipseg.evaluation.predictor import Predictor
from partclipseg.evaluation.report import Scores
from partclipseg.evaluation.targets import (
    class_name,
    mask_of,
    object_names,
    objects_of,
    text_for,
)


class _RegionScorer:
    """What oracle and text share: the dataset-level tally, and the IoU of each single part."""

    def __init__(
        self, predictor: Predictor, dataset: PartDataset, novel: Novel | None = None
    ) -> None:
        self.predictor = predictor
        self.dataset = dataset
        self.novel = novel
        self.tally = Tally()
        self.single: dict[str, list[float]] = defaultdict(list)
        self.boundary: list[float] = []

    def count(
        self,
        names: Sequence[str],
        predicted: LabelMap,
        target: LabelMap,
        scored: Mask,
        areas: Sequence[int],
    ) -> None:
        """Compare two maps of indices into ``names`` where ``scored``.

        ``areas`` are the pixels of each name's masks, before smaller masks were laid over them.
        """
        counts = overlap(predicted[scored], target[scored], len(names))
        self.tally.add(names, counts)
        for i, (found, area) in enumerate(zip(counts.target, areas, strict=True)):
            if found and large_enough(area, target.shape):
                self.single[names[i]].append(float(counts.iou[i]))
                self.boundary.append(boundary_iou((predicted == i) & scored, target == i))

    def scores(self) -> Scores:
        per_class = self.tally.per_class()
        return Scores(
            values={
                "miou": self.tally.miou(),
                "mean_boundary_iou": mean(self.boundary),
            },
            mean_iou=mean(score for scores in self.single.values() for score in scores),
            targets=self.tally.occurrences,
            per_class=per_class,
            details={"novel": split(per_class, self.single, self.novel)} if self.novel else {},
        )


class OracleScorer(_RegionScorer):
    """Part names compete inside a given object; only pixels with a part label are scored."""

    def add(self, record: PhotoRecord, photo: Any) -> None:
        for target in objects_of(record):
            parts = self.dataset.parts_of(target.name)
            indices = [parts.index(part) for part in target.parts]
            truth = label_map(target.region.shape, target.masks, indices)
            predicted = self.predictor.compete(target.region, target.name, parts, photo=photo)
            self.count(
                [class_name(target.name, part) for part in parts],
                np.asarray(predicted, np.int32),
                truth,
                truth != NOTHING,
                _areas(target.masks, indices, len(parts)),
            )


class TextScorer(_RegionScorer):
    """Only names are given; what is painted beside the parts counts against them.

    Args:
        ask_all: give the names of all objects of the set, not of the photo's own alone (Pred-All of
            OV-PARTS, NeurIPS 2023).
    """

    def __init__(
        self,
        predictor: Predictor,
        dataset: PartDataset,
        novel: Novel | None = None,
        ask_all: bool = False,
    ) -> None:
        super().__init__(predictor, dataset, novel)
        self.ask_all = ask_all

    def add(self, record: PhotoRecord, photo: Any) -> None:
        shape = (record.height, record.width)
        owners = object_names(record)
        if self.ask_all:
            owners = list(dict.fromkeys(owners + [name for name, _ in self.dataset.pairs]))
        asked = {name: self.dataset.parts_of(name) for name in owners}
        pairs = [(name, part) for name, parts in asked.items() for part in parts]
        index = {_key(*pair): i for i, pair in enumerate(pairs)}
        targets = objects_of(record)
        masks = [mask for target in targets for mask in target.masks]
        indices = [index[_key(t.name, part)] for t in targets for part in t.parts]
        truth = label_map(shape, masks, indices)

        found: list[Mask] = []
        found_indices: list[int] = []
        sureness: list[float] = []
        for text in text_for(asked):
            for part in self.predictor.segment(text, photo=photo).parts:
                i = index.get(_key(part.object, part.part))
                if i is not None:
                    found.append(part.mask)
                    found_indices.append(i)
                    sureness.append(part.probability or 0.0)
        self.count(
            [class_name(*pair) for pair in pairs],
            # Texts hold a hundred names; masks of different texts have not competed yet.
            label_map(shape, found, found_indices, sureness if self.ask_all else None),
            truth,
            self._scored(record, truth),
            _areas(masks, indices, len(pairs)),
        )

    def _scored(self, record: PhotoRecord, truth: LabelMap) -> Mask:
        """All pixels, but for a set that is not exhaustive: a part may be there without a mask."""
        scored = np.ones(truth.shape, bool)
        if not self.dataset.exhaustive:
            for entry in record.objects:
                scored &= ~mask_of(record, entry.rle)
            scored |= truth != NOTHING
        return scored


def _areas(masks: Sequence[Mask], indices: Sequence[int], classes: int) -> list[int]:
    """The pixels of each class's masks together, whatever lies over them."""
    unions: dict[int, Mask] = {}
    for mask, i in zip(masks, indices, strict=True):
        unions[i] = unions[i] | mask if i in unions else mask
    return [int(np.count_nonzero(unions[i])) if i in unions else 0 for i in range(classes)]


def _key(object: str | None, part: str | None) -> tuple[str, str]:
    """Names as the prompt language compares them."""
    return (object or "").casefold(), (part or WHOLE).casefold()
