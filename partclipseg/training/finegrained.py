"""Object level teaches part level, parts keep apart, and small parts keep a peak.

After PartCLIPSeg (Choi et al., NeurIPS 2024): objects are learnt from many more pixels than parts,
so what the object level knows supervises the part level; parts of one object do not share pixels
(separation), and every part that is there answers somewhere (enhancement).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from partclipseg.training.samples import IGNORE

PEAK_CELLS = 4  # the surest cells of a part that have to answer


def distillation(logits: Tensor, gate: Tensor, labels: Tensor) -> Tensor | None:
    """Outside of the object no part is there, also where nobody labelled a pixel.

    The part maps sum to the object: what is left for them outside it is nothing. Inside, labels
    already say which part it is, and where a set is not exhaustive a nameless part may be there.

    Args:
        logits: ``(pixels, K)`` of all part names, "none of these" = 0.
        gate: ``(pixels,)`` probability that the object is there, the teacher.
        labels: ``(pixels,)`` with IGNORE where nothing is known.

    Returns:
        The mean cross-entropy, or None where no pixel is unlabelled and outside.
    """
    outside = (labels == IGNORE) & (gate < 0.5)
    if not outside.any():
        return None
    nothing = F.pad(logits[outside], (0, 1)).log_softmax(-1)[:, -1]
    weight = 1 - gate[outside].detach()
    return -(weight * nothing).sum() / weight.sum()


def separation(logits: Tensor, labels: Tensor) -> Tensor:
    """How much two names claim one labelled pixel: mean over pixels of sum_{i<j} p_i p_j.

    Args:
        logits: ``(pixels, K)``; each name's own probability is its sigmoid.
        labels: ``(pixels,)``, >= 0 where labelled.
    """
    claims = logits[labels >= 0].sigmoid()
    return 0.5 * (claims.sum(-1).pow(2) - claims.pow(2).sum(-1)).mean()


def enhancement(logits: Tensor, labels: Tensor) -> Tensor:
    """How far the surest cells of each labelled part are from certain: mean of 1 - p over parts.

    A mean over parts, not pixels, so a part of four cells counts as much as one of a thousand.
    """
    probability = F.pad(logits, (0, 1)).softmax(-1)
    terms = []
    for name in labels[labels >= 0].unique().tolist():
        own = probability[labels == name, name]
        terms.append(1 - own.topk(min(PEAK_CELLS, len(own))).values.mean())
    return torch.stack(terms).mean()
