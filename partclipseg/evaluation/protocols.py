"""Four ways to ask a model for the parts of annotated photos, and what is counted in each.

======  =============================================  ==========================================
oracle  the object's region and name are given, and     ``miou``, over pixels with a part label
        its part names compete inside it                (Oracle-Obj of OV-PARTS, NeurIPS 2023)
text    the names of the photo's objects and of their   ``miou``; background counts, but for sets
        parts are given                                 that are not exhaustive not in the object
click   one click at the most interior point of a       ``iou_best`` of the masks that come back,
        target, then clicks on the largest error        ``iou_first`` of the one ranked first,
                                                        ``noc80``, ``noc85``: clicks to 80%, 85%
label   the annotated masks are given, and the part     ``recall1``, ``recall5``
        names of their object are to be told apart
======  =============================================  ==========================================

``miou`` comes from one confusion over the whole split, averaged over the classes that occur in it.
``mean_iou`` stands beside it under oracle, text and click: the mean over every (photo, object,
part) with a mask of at least 0.2% of the photo. For sets with many rare classes it is the steadier
figure. "Object" there is one region under oracle, one name under text and click.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from partclipseg.datasets import WHOLE, PartDataset, PhotoRecord
from partclipseg.errors import InputError
from partclipseg.evaluation.clicks import clicks_to, components, interior_point, simulate
from partclipseg.evaluation.metrics import (
    NOTHING,
    LabelMap,
    Mask,
    Tally,
    iou,
    label_map,
    large_enough,
    mean,
    overlap,
)
from partclipseg.evaluation.report import Report, Row, Scores
from partclipseg.evaluation.targets import (
    class_name,
    mask_of,
    object_names,
    objects_of,
    text_for,
)
from partclipseg.results import Labels, Segmentation

PROTOCOLS = ("oracle", "text", "click", "label")

Progress = Callable[[Sequence[PhotoRecord]], Iterable[PhotoRecord]]


class Predictor(Protocol):
    """What is asked of a model; ``partclipseg.PartPredictor`` is one."""

    @property
    def name(self) -> str: ...
    def encode(self, image: Any) -> Any: ...
    def compete(self, region: Mask, object: str, parts: Sequence[str], *, photo: Any) -> Any: ...
    def segment(self, text: str, *, photo: Any) -> Segmentation: ...
    def predict(self, points: Any, point_labels: Any, *, mask: Any, photo: Any) -> Segmentation: ...
    def label(self, masks: Any, names: Sequence[str], *, photo: Any) -> Labels: ...


class Scorer(Protocol):
    """Collects what a protocol counts, photo by photo."""

    def add(self, record: PhotoRecord, photo: Any) -> None: ...
    def scores(self) -> Scores: ...


def evaluate(
    predictor: Predictor,
    dataset: PartDataset,
    protocol: str,
    *,
    limit: int | None = None,
    noc_targets: int | None = None,
    progress: Progress = iter,
) -> Report:
    """Score a model on a split.

    Args:
        predictor: the model.
        dataset: the split, from ``partclipseg.datasets.read``.
        protocol: one of ``PROTOCOLS``.
        limit: only the first so many photos.
        noc_targets: under click, count clicks on so many targets only, evenly spread over all;
            0 leaves the count out. It is by far the slowest part.
        progress: wraps the photos, e.g. ``tqdm.tqdm``.

    Raises:
        InputError: for an unknown protocol, a split without photos, or a photo that cannot be read
            or is not of the size that its annotations are for.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f'There is no protocol "{protocol}"; use one of {", ".join(PROTOCOLS)}.')
    records = dataset.images[:limit]
    if not records:
        raise InputError(f"{dataset.name} has no photos to evaluate on.")
    start = time.perf_counter()
    scorer = _scorer(predictor, dataset, protocol, records, noc_targets)
    for record in progress(records):
        photo = predictor.encode(record.path)
        if (photo.photo.width, photo.photo.height) != (record.width, record.height):
            raise InputError(
                f"{record.path.name} is {photo.photo.width} x {photo.photo.height} pixels, but its "
                f"annotations are for {record.width} x {record.height}."
            )
        scorer.add(record, photo)
    return Report(
        protocol=protocol,
        data=dataset.name,
        split=dataset.split,
        model=predictor.name,
        images=len(records),
        seconds=time.perf_counter() - start,
        scores=scorer.scores(),
    )


def _scorer(
    predictor: Predictor,
    dataset: PartDataset,
    protocol: str,
    records: Sequence[PhotoRecord],
    noc_targets: int | None,
) -> Scorer:
    if protocol == "oracle":
        return OracleScorer(predictor, dataset)
    if protocol == "text":
        return TextScorer(predictor, dataset)
    if protocol == "click":
        return ClickScorer(predictor, spread_targets(records, noc_targets))
    return LabelScorer(predictor, dataset)


class _RegionScorer:
    """What oracle and text share: the dataset-level tally, and the IoU of each single part."""

    def __init__(self, predictor: Predictor, dataset: PartDataset) -> None:
        self.predictor = predictor
        self.dataset = dataset
        self.tally = Tally()
        self.single: list[float] = []

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
        for found, area, score in zip(counts.target, areas, counts.iou, strict=True):
            if found and large_enough(area, target.shape):
                self.single.append(float(score))

    def scores(self) -> Scores:
        return Scores(
            values={"miou": self.tally.miou()},
            mean_iou=mean(self.single),
            targets=self.tally.occurrences,
            per_class=self.tally.per_class(),
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
    """Only names are given; what is painted beside the parts counts against them."""

    def add(self, record: PhotoRecord, photo: Any) -> None:
        shape = (record.height, record.width)
        asked = {name: self.dataset.parts_of(name) for name in object_names(record)}
        pairs = [(name, part) for name, parts in asked.items() for part in parts]
        index = {_key(*pair): i for i, pair in enumerate(pairs)}
        targets = objects_of(record)
        masks = [mask for target in targets for mask in target.masks]
        indices = [index[_key(t.name, part)] for t in targets for part in t.parts]
        truth = label_map(shape, masks, indices)

        found: list[Mask] = []
        found_indices: list[int] = []
        for text in text_for(asked):
            for part in self.predictor.segment(text, photo=photo).parts:
                i = index.get(_key(part.object, part.part))
                if i is not None:
                    found.append(part.mask)
                    found_indices.append(i)
        self.count(
            [class_name(*pair) for pair in pairs],
            label_map(shape, found, found_indices),
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


class ClickScorer:
    """Targets are the connected pieces of every part's mask, of at least 0.2% of the photo."""

    def __init__(self, predictor: Predictor, noc: Collection[tuple[int, int]]) -> None:
        self.predictor = predictor
        self.noc = noc
        self.best: dict[str, list[float]] = defaultdict(list)
        self.first: dict[str, list[float]] = defaultdict(list)
        self.triples: dict[tuple[int, str], list[float]] = defaultdict(list)
        self.clicks: list[tuple[int, int]] = []

    def add(self, record: PhotoRecord, photo: Any) -> None:
        for i, (name, target) in enumerate(_click_targets(record)):
            points, labels = np.asarray([interior_point(target)], np.float64), np.ones(1, np.int64)
            masks = [p.mask for p in self._predict(points, labels, None, photo).parts]
            scores = [iou(mask, target) for mask in masks] or [0.0]
            self.best[name].append(max(scores))
            self.first[name].append(scores[0])
            self.triples[record.id, name].append(max(scores))
            if (record.id, i) in self.noc:
                self._count_clicks(target, masks[0] if masks else np.zeros_like(target), photo)

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

    def add(self, record: PhotoRecord, photo: Any) -> None:
        for target in objects_of(record):
            names = [class_name(target.name, part) for part in self.dataset.parts_of(target.name)]
            labels = self.predictor.label(np.stack(target.masks), names, photo=photo)
            for part, similarities in zip(target.parts, labels.similarities, strict=True):
                name = class_name(target.name, part)
                own = similarities[names.index(name)]
                # Names that tie with the right one count against it: it was not told apart.
                self.ranks[name].append(int(np.count_nonzero(similarities >= own)))

    def scores(self) -> Scores:
        def recall(ranks: Iterable[int], k: int) -> float | None:
            return mean(float(rank <= k) for rank in ranks)

        everything = [rank for ranks in self.ranks.values() for rank in ranks]
        return Scores(
            values={"recall1": recall(everything, 1), "recall5": recall(everything, 5)},
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


def _areas(masks: Sequence[Mask], indices: Sequence[int], classes: int) -> list[int]:
    """The pixels of each class's masks together, whatever lies over them."""
    unions: dict[int, Mask] = {}
    for mask, i in zip(masks, indices, strict=True):
        unions[i] = unions[i] | mask if i in unions else mask
    return [int(np.count_nonzero(unions[i])) if i in unions else 0 for i in range(classes)]


def _key(object: str | None, part: str | None) -> tuple[str, str]:
    """Names as the prompt language compares them."""
    return (object or "").casefold(), (part or WHOLE).casefold()
