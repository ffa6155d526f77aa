"""What the model is taught: dense text alignment, objects, mask-text distillation, masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from partclipseg.modeling.adapter import PartFeatures
from partclipseg.modeling.layers import upsample_convex
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.modeling.prompt_encoder import PromptBatch
from partclipseg.modeling.recognition import Part2CLIP, similarity_maps
from partclipseg.training import finegrained
from partclipseg.training.names import Names
from partclipseg.training.samples import IGNORE, NONE, Sample, correction

SURE_CELLS = 0.06  # share of the cells of stride 8 that must know an object shown somewhere
SHARPNESS = 20.0  # scale of the teacher's cosines when they become a distribution over names


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; a term of weight zero is not computed (ablations)."""

    oracle: float = 1.0
    text: float = 0.5
    objects: float = 1.0
    similarity: float = 0.5
    masks: float = 1.0
    iou: float = 0.5
    distillation: float = 0.0
    separation: float = 0.0
    enhancement: float = 0.0
    soft_labels: float = 0.1
    none_weight: float = 0.4


def soft_targets(text: Tensor, labels: Tensor, share: float) -> Tensor:
    """One-hot targets mixed with the names' own similarity: ``(N,)`` -> ``(N, K)``.

    A wheel that is called tyre is less wrong than one that is called roof, as far as the text
    embeddings ``(K, D)`` say so.
    """
    kinship = (SHARPNESS * text @ text.T).softmax(-1)
    target = (1 - share) * torch.eye(len(text), device=text.device) + share * kinship
    return target[labels]


def dense_losses(
    model: PartCLIPSeg, features: PartFeatures, row: int, sample: Sample, text: Tensor,
    weights: LossWeights, owners: Tensor,
) -> dict[str, Tensor]:  # fmt: skip
    """Cross-entropy of pixels over names at stride 4, without and with "none of these".

    Args:
        text: ``(K + R, D)``, the K names of the sample and R random others.
        owners: ``(O, D)`` embeddings of the objects in the photo, teachers of their parts.
    """
    labels = torch.from_numpy(sample.labels.astype(np.int64)).to(text.device)
    if not (labels >= 0).any():
        return {}
    cosine = similarity_maps(features.part[row], text)
    fine = upsample_convex(cosine[None], features.edges[row : row + 1])[0]
    logits = model.part2clip.part_logits(fine).flatten(1).T  # (pixels, names)
    labels = labels.flatten()
    named = labels >= 0
    # Small parts weigh more than their share of pixels: the mean is over parts, not pixels.
    counts = torch.bincount(labels[named], minlength=len(text)).clamp(min=1).float()
    weight = counts.rsqrt()[labels[named]]
    weight = weight / weight.mean()
    target = soft_targets(text, labels[named], weights.soft_labels)
    chosen = logits[named]
    oracle = -(target * chosen.log_softmax(-1)).sum(-1)
    losses = {"oracle": (weight * oracle).mean()}

    valid = labels != IGNORE
    with_none = F.pad(logits[valid], (0, 1))  # the logit of none is 0 by construction
    goal = torch.where(labels[valid] == NONE, len(text), labels[valid])
    per_pixel = F.cross_entropy(with_none, goal, reduction="none")
    scale = torch.where(goal == len(text), weights.none_weight, 1.0)
    scale[goal < len(text)] = weight
    losses["text"] = (scale * per_pixel).sum() / scale.sum()
    own = logits[:, : len(sample.names)]
    if weights.distillation and len(owners):
        cosine = similarity_maps(features.object[row].detach(), owners)
        gate = model.part2clip.object_logits(cosine).amax(0).sigmoid().detach()
        gate = gate.repeat_interleave(2, 0).repeat_interleave(2, 1).flatten()
        if (term := finegrained.distillation(own, gate, labels)) is not None:
            losses["distillation"] = term
    if weights.separation:
        losses["separation"] = finegrained.separation(own, labels)
    if weights.enhancement:
        losses["enhancement"] = finegrained.enhancement(own, labels)
    return losses


def object_loss(
    model: PartCLIPSeg, features: PartFeatures, row: int, sample: Sample,
    present: Tensor, absent: Tensor, shown: Tensor,
) -> Tensor | None:  # fmt: skip
    """Is this object here? Balanced binary cross-entropy at stride 8, absent names included.

    An object without a mask is learnt from its surest cells (multiple instance learning).

    Args:
        present: ``(O, D)`` embeddings of ``sample.objects``.
        shown: ``(S, D)`` embeddings of ``sample.shows``.
        absent: ``(R, D)`` embeddings of objects that are not in the photo.
    """
    terms = []
    for text, (_, cover, known) in zip(present, sample.objects, strict=True):
        goal = F.avg_pool2d(torch.from_numpy(cover)[None].to(text.device), 2)[0]
        logits = model.part2clip.object_logits(similarity_maps(features.object[row], text[None])[0])
        per_pixel = F.binary_cross_entropy_with_logits(logits, goal, reduction="none")
        inside, outside = goal, (1 - goal) * float(known)
        terms.append((per_pixel * inside).sum() / inside.sum().clamp(min=1))
        terms.append((per_pixel * outside).sum() / outside.sum().clamp(min=1))
    if len(shown):
        logits = model.part2clip.object_logits(similarity_maps(features.object[row], shown))
        surest = logits.flatten(1).topk(round(SURE_CELLS * logits[0].numel()), dim=1).values
        terms.append(F.softplus(-surest).mean())
    if len(absent):
        logits = model.part2clip.object_logits(similarity_maps(features.object[row], absent))
        # The worst cells decide whether a name is believed, so they are what is pushed down.
        hardest = F.softplus(logits).flatten(1)
        terms.append(hardest.mean() + hardest.topk(32, dim=1).values.mean())
    return torch.stack(terms).mean() if terms else None


def similarity_loss(vectors: Tensor, text: Tensor, bank: Tensor) -> Tensor:
    """KL between the name distributions of pooled mask vectors and of their names' embeddings.

    Both are distributions over ``bank`` ``(B, D)``: what the student's vector ``(M, D)`` is similar
    to must be what the text ``(M, D)`` is similar to, so that other wordings work too.
    """
    teacher = (SHARPNESS * text @ bank.T).softmax(-1)
    student = (SHARPNESS * vectors @ bank.T).log_softmax(-1)
    return F.kl_div(student, teacher, reduction="batchmean")


def pooled_losses(
    features: PartFeatures, row: int, sample: Sample, part_text: Tensor, object_text: Tensor,
    bank: Tensor, most: int = 12,
) -> Tensor | None:  # fmt: skip
    """Text-similarity loss of part masks and object masks (Part2CLIP on the true masks)."""
    device, terms = bank.device, []
    if sample.parts:
        chosen = sample.parts[:most]
        masks = torch.from_numpy(np.stack([t.mask for t in chosen])).float().to(device)
        masks = F.avg_pool2d(masks[None], 2)[0]
        vectors = Part2CLIP.pool(features.part[row], masks)
        text = part_text[torch.tensor([t.name for t in chosen], device=device)]
        # The photo's own names are in the bank: its hard negatives are parts of the same object.
        terms.append(similarity_loss(vectors, text, torch.cat([bank, part_text])))
    if sample.objects:
        masks = torch.from_numpy(np.stack([m for _, m, _ in sample.objects])).to(device)
        vectors = Part2CLIP.pool(features.object[row], F.avg_pool2d(masks[None], 2)[0])
        terms.append(similarity_loss(vectors, object_text, torch.cat([bank, object_text])))
    return torch.stack(terms).mean() if terms else None


def mask_terms(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Focal (Lin et al. 2017, weight 20 as in SAM) plus dice, and the IoU, per mask: ``(...)``."""
    logits, target = logits.flatten(-2), target.flatten(-2)
    raw = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    probability = logits.sigmoid()
    wrong = torch.where(target > 0.5, 1 - probability, probability)
    focal = (0.25 * target + 0.75 * (1 - target)) * wrong.pow(2) * raw
    overlap = (probability * target).sum(-1)
    dice = 1 - (2 * overlap + 1) / (probability.sum(-1) + target.sum(-1) + 1)
    with torch.no_grad():
        hard = (logits > 0).float()
        both = (hard * target).sum(-1)
        iou = both / (hard.sum(-1) + target.sum(-1) - both).clamp(min=1)
    return 20 * focal.mean(-1) + dice, iou


def prompt_losses(
    model: PartCLIPSeg, features: PartFeatures, samples: Sequence[Sample], texts: Tensor,
    rng: np.random.Generator, weights: LossWeights, rounds: int = 2,
) -> dict[str, Tensor]:  # fmt: skip
    """Decode the simulated prompts, correct the best mask by a click, decode again.

    In the first round a lone click means three things at once, so each granularity is held to the
    mask of its own; everywhere else the best of the three masks counts. The predicted IoU is taught
    the overlap with what the simulated user meant (as in SAM), so ranking by it ranks by intent.
    """
    stacked = {k: np.concatenate([getattr(s, k) for s in samples])
               for k in ("points", "kinds", "wanted", "slots", "slot_valid")}  # fmt: skip
    live = np.flatnonzero(stacked["wanted"].any((1, 2)))
    if not len(live):
        return {}
    per_photo = len(stacked["wanted"]) // len(samples)
    owner = torch.from_numpy(live // per_photo)
    device = texts.device
    points = torch.from_numpy(stacked["points"][live]).to(device)
    kinds = torch.from_numpy(stacked["kinds"][live]).to(device)
    wanted = torch.from_numpy(stacked["wanted"][live]).float().to(device)
    slots = torch.from_numpy(stacked["slots"][live]).float().to(device)
    valid = torch.from_numpy(stacked["slot_valid"][live]).to(device)
    previous: Tensor | None = None
    zero = texts.sum() * 0
    mask_loss, iou_loss, score = zero, zero, zero
    for turn in range(rounds):
        prompts = PromptBatch(points, kinds, texts[live], previous)
        logits, predicted = model.decode(features, prompts, owner)
        three = wanted[:, None].expand_as(logits)
        loss, iou = mask_terms(logits, three)
        best = loss.min(dim=1).values + 0.1 * loss.mean(dim=1)
        if turn == 0:
            apart, _ = mask_terms(logits, slots)
            own = (apart * valid).sum(1) / valid.sum(1).clamp(min=1)
            best = torch.where(valid.any(1), own, best)
        mask_loss = mask_loss + best.mean() / rounds
        iou_loss = iou_loss + F.mse_loss(predicted, iou) / rounds
        if turn == 0:
            score = iou.max(1).values.mean()
        if turn + 1 < rounds:
            with torch.no_grad():
                pick = iou.argmax(1)
                previous = logits[torch.arange(len(live)), pick][:, None].detach()
                points, kinds = _corrected(points, kinds, wanted, previous[:, 0] > 0, rng)
    return {"masks": mask_loss, "iou": iou_loss, "click_iou": score}


def _corrected(
    points: Tensor, kinds: Tensor, wanted: Tensor, predicted: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Append one corrective click to every prompt."""
    masks = zip(wanted.bool().cpu().numpy(), predicted.cpu().numpy(), strict=True)
    clicks = [correction(w, p, rng) for w, p in masks]
    xy = torch.tensor(np.array([c for c, _ in clicks]), dtype=points.dtype, device=points.device)
    kind = torch.tensor([k for _, k in clicks], device=kinds.device)
    return torch.cat([points, xy[:, None]], 1), torch.cat([kinds, kind[:, None]], 1)


def batch_losses(
    model: PartCLIPSeg, maps: Sequence[Tensor], samples: Sequence[Sample], names: Names,
    rng: np.random.Generator, weights: LossWeights,
) -> dict[str, Tensor]:  # fmt: skip
    """All terms for one batch, each a mean over the photos to which it applies.

    Args:
        maps: of the image tower for the samples' pictures.
    """
    features = model.adapter(maps)
    found: dict[str, list[Tensor]] = {}
    bank = names.bank[torch.from_numpy(rng.integers(0, len(names.bank), 512))]
    per_prompt = torch.zeros(sum(len(s.texts) for s in samples), bank.shape[1], device=bank.device)
    start = 0
    for row, sample in enumerate(samples):
        bare = len({o for o, _ in sample.names}) == 1 and rng.random() < 0.12
        own = torch.tensor([names.embed_pair(p, rng, bare) for p in sample.names], dtype=torch.long)
        present = torch.tensor([names.row[n] for n, *_ in sample.objects], dtype=torch.long)
        text = names.bank[own]
        if len(own):
            extra = names.bank[names.other_pairs(own, 8, rng)]
            both, owners = torch.cat([text, extra]), names.bank[present]
            terms = dense_losses(model, features, row, sample, both, weights, owners)
            for key, value in terms.items():
                found.setdefault(key, []).append(value)
        shown = torch.tensor([names.row[n] for n in sample.shows], dtype=torch.long)
        seen = [n for n, *_ in sample.objects] + list(sample.shows)
        absent = names.absent_objects(seen, 8, rng)
        gate = object_loss(
            model, features, row, sample, names.bank[present], names.bank[absent],
            names.bank[shown],
        )  # fmt: skip
        pooled = pooled_losses(features, row, sample, text, names.bank[present], bank)
        for key, term in (("objects", gate), ("similarity", pooled)):
            if term is not None:
                found.setdefault(key, []).append(term)
        spoken = np.flatnonzero(sample.texts >= 0)
        per_prompt[start + spoken] = text[torch.from_numpy(sample.texts[spoken])]
        start += len(sample.texts)
    losses = {key: torch.stack(values).mean() for key, values in found.items()}
    return losses | prompt_losses(model, features, samples, per_prompt, rng, weights)


def total(losses: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms that ``LossWeights`` names."""
    terms = [getattr(weights, k) * v for k, v in losses.items() if hasattr(weights, k)]
    return torch.stack(terms).sum()
