"""The protocols about single masks: made by clicks, and given ones that are to be named."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from partclipseg.datasets import PartDataset, PhotoRecord
from partclipseg.evaluation.clicks import clicks_to, components, interior_point, simulate
from partclipseg.evaluation.metrics import Calibration, Mask, boundary_iou, iou, mean
from partclipseg.evaluation.predictor import Predictor
from partclipseg.evaluation.report import Row, Scores
from partclipseg.evaluation.targets import class_name, objects_of
from partclipseg.results import Segmentation


class ClickScorer:
    """Targets are the connected pieces of every part's mask, of at least 0.2% of the photo."""

    def __init__(self, predictor: Predictor, noc: Collection[tuple[int, int]]) -> None:
        self.predictor = predictor
        self.noc = noc
        self.best: dict[str, list[float]] = defaultdict(list)
        self.first: dict[str, list[float]] = defaultdict(list)
        self.triples: dict[tuple[int, str], list[float]] = defaultdict(list)
        self.boundaries: list[tuple[float, float]] = []
        self.clicks: list[tuple[int, int]] = []

    def add(self, record: PhotoRecord, photo: Any) -> None:
        for i, (name, target) in enumerate(_click_targets(record)):
            points, labels = np.asarray([interior_point(target)], np.float64), np.ones(1, np.int64)
            masks = [p.mask for p in self._predict(points, labels, None, photo).parts]
            scores = [iou(mask, target) for mask in masks] or [0.0]
            self._count_boundaries(masks, scores, target)
            self.best[name].append(max(scores))
            self.first[name].append(scores[0])
            self.triples[record.id, name].append(max(scores))
            if (record.id, i) in self.noc:
                self._count_clicks(target, masks[0] if masks else np.zeros_like(target), photo)

    def _count_boundaries(self, masks: list[Mask], scores: list[float], target: Mask) -> None:
        """Of the mask with the best IoU and of the first one, as their IoUs are counted."""
        if not masks:
            self.boundaries.append((0.0, 0.0))
            return
        best, first = masks[int(np.argmax(scores))], masks[0]
        of_first = boundary_iou(first, target)
        of_best = of_first if best is first else boundary_iou(best, target)
        self.boundaries.append((of_best, of_first))

    def _predict(self, points: Any, labels: Any, last: Mask | None, photo: Any) -> Segmentation:
        return self.predictor.predict(points, labels, mask=last, photo=photo)

    def _count_clicks(self, target: Mask, first: Mask, photo: Any) -> None:
        def predict(points: Any, labels: Any, last: Mask | None) -> Mask:
            # A model may have nothing for a set of clicks; an empty last mask says nothing to it.
            last = last if last is not None and last.any() else None
            parts = self._predict(points, labels, last, photo).parts
            return parts[0].mask if parts else np.zeros_like(target)

        scores = simulate(predict, target, first, enough=0.85)
        self.clicks.append((clicks_to(scores, 0.80), clicks_to(scores, 0.85)))

    def scores(self) -> Scores:
        per_class: dict[str, Row] = {
            name: {
                "iou": mean(self.best[name]),
                "iou_first": mean(self.first[name]),
                "count": len(self.best[name]),
            }
            for name in sorted(self.best)
        }
        return Scores(
            values={
                "iou_best": mean(score for row in self.best.values() for score in row),
                "iou_first": mean(score for row in self.first.values() for score in row),
                "boundary_iou_best": mean(best for best, _ in self.boundaries),
                "boundary_iou_first": mean(first for _, first in self.boundaries),
                "noc80": mean(clicks for clicks, _ in self.clicks),
                "noc85": mean(clicks for _, clicks in self.clicks),
                "noc_targets": len(self.clicks),
            },
            mean_iou=mean(float(np.mean(row)) for row in self.triples.values()),
            targets=sum(len(row) for row in self.best.values()),
            per_class=per_class,
        )


class LabelScorer:
    """How often a mask's own name is first, or among the first five, of its object's part names."""

    def __init__(self, predictor: Predictor, dataset: PartDataset) -> None:
        self.predictor = predictor
        self.dataset = dataset
        self.ranks: dict[str, list[int]] = defaultdict(list)
        self.calibration = Calibration()

    def add(self, record: PhotoRecord, photo: Any) -> None:
        for target in objects_of(record):
            names = [class_name(target.name, part) for part in self.dataset.parts_of(target.name)]
            labels = self.predictor.label(np.stack(target.masks), names, photo=photo)
            for part, similarities, probabilities in zip(
                target.parts, labels.similarities, labels.probabilities, strict=True
            ):
                name = class_name(target.name, part)
                surest = int(np.argmax(probabilities))
                self.calibration.add(float(probabilities[surest]), names[surest] == name)
                own = similarities[names.index(name)]
                # Names that tie with the right one count against it: it was not told apart.
                self.ranks[name].append(int(np.count_nonzero(similarities >= own)))

    def scores(self) -> Scores:
        def recall(ranks: Iterable[int], k: int) -> float | None:
            return mean(float(rank <= k) for rank in ranks)

        everything = [rank for ranks in self.ranks.values() for rank in ranks]
        return Scores(
            values={
                "recall1": recall(everything, 1),
                "recall5": recall(everything, 5),
                "ece": self.calibration.error(),
            },
            mean_iou=None,
            targets=len(everything),
            per_class={
                name: {
                    "iou": None,
                    "recall1": recall(ranks, 1),
                    "recall5": recall(ranks, 5),
                    "count": len(ranks),
                }
                for name, ranks in sorted(self.ranks.items())
            },
            details={"calibration": self.calibration.bins()},
        )


def spread_targets(records: Sequence[PhotoRecord], wanted: int | None) -> set[tuple[int, int]]:
    """(photo id, number of the target in it) of ``wanted`` click targets, spread over all."""
    if wanted == 0:
        return set()
    targets = [(r.id, i) for r in records for i in range(len(_click_targets(r)))]
    if wanted is None or wanted >= len(targets):
        return set(targets)
    return {targets[i * len(targets) // wanted] for i in range(wanted)}


def _click_targets(record: PhotoRecord) -> list[tuple[str, Mask]]:
    return [
        (class_name(target.name, part), piece)
        for target in objects_of(record)
        for part, mask in zip(target.parts, target.masks, strict=True)
        for piece in components(mask)
    ]
