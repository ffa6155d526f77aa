"""Words alone: which pixels belong to which of the asked names, and what is not there."""

from collections.abc import Sequence

import numpy as np
import torch

from partclipseg.decoding import mask_batch
from partclipseg.encoding import EncodedPhoto
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.naming import Evidence, Namer, by_object, winner
from partclipseg.prompts import Query
from partclipseg.results import PartMask

FOUND = 0.5  # an object is there when its surest cells are surer than this
SMALLEST = 0.0002  # share of the photo below which a named region is noise

Region = tuple[Query, np.ndarray, float]  # (H, W) bool, its mean probability


@torch.inference_mode()
def search(
    model: PartCLIPSeg,
    namer: Namer,
    photo: EncodedPhoto,
    queries: Sequence[Query],
    threshold: float,
) -> tuple[list[PartMask], list[str]]:
    """Find asked names; every pixel goes to the best of them, or to none.

    Args:
        threshold: (0, 1), probability above which a pixel belongs to a name.

    Returns:
        the parts that are there, without colours, and sentences about those that are not.
    """
    asked: list[Query] = []
    probability: list[np.ndarray] = []
    score: list[np.ndarray] = []
    absent: list[str] = []
    for (owner, _), group in by_object(queries).items():
        evidence = _evidence(namer, photo, owner, group)
        sure = evidence.presence
        if owner is not None and float(sure.max()) < FOUND:
            absent.append(owner)
            continue
        for i, query in enumerate(group):
            if owner is not None or sure[i] >= FOUND:
                asked.append(query)
                probability.append(evidence.probability[i])
                score.append(evidence.score[i])
    regions: list[Region] = []
    winners = [winner(score, asked, whole) for whole in (False, True)]
    for index, (query, values) in enumerate(zip(asked, probability, strict=True)):
        region = (winners[query.part is None] == index) & (values > threshold)
        if query.sign > 0 and region.mean() >= SMALLEST:  # else a few stray pixels
            regions.append((query, region, float(values[region].mean())))
    found = _as_parts(model, namer, photo, regions)
    return found, _missing(queries, found, absent)


def _missing(queries: Sequence[Query], found: Sequence[PartMask], absent: Sequence[str]
             ) -> list[str]:  # fmt: skip
    messages = [f"No {owner} was found in the photo." for owner in dict.fromkeys(absent)]
    there = {part.label for part in found}
    lost = [q.label for q in queries
            if q.sign > 0 and q.label not in there and q.object not in absent]  # fmt: skip
    return messages + ([f"Not found: {', '.join(lost)}."] if lost else [])


def _evidence(
    namer: Namer, photo: EncodedPhoto, owner: str | None, group: Sequence[Query]
) -> Evidence:
    parts = [q.part for q in group if q.part]
    if owner is None:
        return namer.words(photo, parts)
    if not parts:
        return namer.objects(photo, [owner])
    return namer.parts(photo, owner, parts)


def _as_parts(
    model: PartCLIPSeg, namer: Namer, photo: EncodedPhoto, regions: Sequence[Region]
) -> list[PartMask]:
    """Regions with their cosines and the IoU that the decoder expects; one pass for all."""
    if not regions:
        return []
    queries = [query for query, _, _ in regions]
    to_model = photo.full.frame.mask_to_model
    grids = torch.stack([torch.from_numpy(to_model(region)) for _, region, _ in regions])
    cosine, _ = namer.compare(photo, grids, queries)
    batch = mask_batch(grids, namer.read(queries))
    iou = model.predict_iou(photo.full.features, batch).amax(1)
    return [
        PartMask.from_mask(
            region,
            label=query.label,
            object=query.object,
            part=query.part,
            similarity=float(cosine[i, i]),
            probability=probability,
            predicted_iou=float(iou[i]),
        )
        for i, (query, region, probability) in enumerate(regions)
    ]
