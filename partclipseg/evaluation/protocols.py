"""Four ways to ask a model for the parts of annotated photos, and what is counted in each.

======  =============================================  ==========================================
oracle  the object's region and name are given, and     ``miou``, over pixels with a part label
        its part names compete inside it                (Oracle-Obj of OV-PARTS, NeurIPS 2023)
text    the names of the photo's objects and of their   ``miou``; background counts, but for sets
        parts are given; with ``ask_all`` those of      that are not exhaustive not in the object
        all objects of the set (Pred-All)
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

Beside each of these overlaps stands the same mean of the boundary IoU, which looks at a band along
the outlines only (``mean_boundary_iou``; under click ``boundary_iou_best``, of the mask with the
best IoU, and ``boundary_iou_first``). Label also says how far its probabilities can be believed
(``ece``, ``calibration``).
"""

import time
from collections.abc import Callable, Iterable, Sequence

from partclipseg.datasets import PartDataset, PhotoRecord
from partclipseg.errors import InputError
from partclipseg.evaluation.masks import ClickScorer, LabelScorer, spread_targets
from partclipseg.evaluation.novelty import Novel
from partclipseg.evaluation.predictor import Predictor, Scorer
from partclipseg.evaluation.regions import OracleScorer, TextScorer
from partclipseg.evaluation.report import Report

PROTOCOLS = ("oracle", "text", "click", "label")

Progress = Callable[[Sequence[PhotoRecord]], Iterable[PhotoRecord]]


def evaluate(
    predictor: Predictor,
    dataset: PartDataset,
    protocol: str,
    *,
    limit: int | None = None,
    noc_targets: int | None = None,
    novel: Novel | None = None,
    ask_all: bool = False,
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
        novel: under oracle and text, figures for seen and for these novel names apart.
        ask_all: under text, give the names of all objects of the set for every photo.
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
    scorer = _scorer(predictor, dataset, protocol, records, noc_targets, novel, ask_all)
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
        ask_all=ask_all,
    )


def _scorer(
    predictor: Predictor,
    dataset: PartDataset,
    protocol: str,
    records: Sequence[PhotoRecord],
    noc_targets: int | None,
    novel: Novel | None,
    ask_all: bool,
) -> Scorer:
    if protocol == "oracle":
        return OracleScorer(predictor, dataset, novel)
    if protocol == "text":
        return TextScorer(predictor, dataset, novel, ask_all)
    if protocol == "click":
        return ClickScorer(predictor, spread_targets(records, noc_targets))
    return LabelScorer(predictor, dataset)
