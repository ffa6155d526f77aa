"""Prompts against pixels: masks from the decoder, one photo, many prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from partclipseg.encoding import Encoding
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.modeling.prompt_encoder import (
    BOX_CORNER_1,
    BOX_CORNER_2,
    NEGATIVE,
    POSITIVE,
    PromptBatch,
)

MASK_PROMPT_LOGIT = 4.0  # how firmly a hard mask prompt is believed


@dataclass(frozen=True)
class Decoded:
    """Masks of P prompts at stride 4.

    Attributes:
        logits: ``(P, 3, H/4, W/4)``, whole, part, sub-part.
        predicted_iou: ``(P, 3)``.
    """

    logits: Tensor
    predicted_iou: Tensor


def prompt_batch(
    look: Encoding,
    points: np.ndarray,
    labels: np.ndarray,
    boxes: np.ndarray,
    mask: np.ndarray | None,
    text: Tensor | None,
) -> PromptBatch:
    """One prompt made of everything the visitor gave, in the model's grid.

    Args:
        points: (N, 2) (x, y) pixels of the photo; labels (N,) 1 = on the part, 0 = not.
        boxes: (M, 4) x0, y0, x1, y1, edges in pixels of the photo.
        mask: (H, W) bool or [0, 1] float, or None.
        text: ``(D,)`` or None.
    """
    frame = look.frame
    xy = [frame.points_to_model(points)]
    kinds = [np.where(labels > 0, POSITIVE, NEGATIVE)]
    corners = frame.boxes_to_model(boxes).reshape(-1, 2) - 0.5
    xy.append(corners)
    kinds.append(np.tile([BOX_CORNER_1, BOX_CORNER_2], len(boxes)))
    dense = None
    if mask is not None:
        cover = torch.from_numpy(frame.mask_to_model(mask))[None, None]
        dense = (2 * cover - 1) * MASK_PROMPT_LOGIT
    return PromptBatch(
        points=torch.from_numpy(np.concatenate(xy)).float()[None],
        kinds=torch.from_numpy(np.concatenate(kinds)).long()[None],
        text=None if text is None else text[None],
        mask=dense,
    )


def mask_batch(masks: Tensor, text: Tensor) -> PromptBatch:
    """P prompts of a hard mask and words each.

    Args:
        masks: ``(P, H/4, W/4)`` cover in [0, 1], in the model's grid; text ``(P, D)``.
    """
    return PromptBatch(
        points=torch.zeros(len(masks), 0, 2),
        kinds=torch.zeros(len(masks), 0, dtype=torch.long),
        text=text,
        mask=(2 * masks[:, None] - 1) * MASK_PROMPT_LOGIT,
    )


@torch.inference_mode()
def decode(model: PartCLIPSeg, look: Encoding, prompts: PromptBatch) -> Decoded:
    """Run the decoder once for all prompts of one photo."""
    logits, iou = model.decode(look.features, prompts)
    return Decoded(_without_padding(look, logits), iou)


def _without_padding(look: Encoding, logits: Tensor) -> Tensor:
    """The padding right and below the photo belongs to no mask: ``(..., h, w)``, changed."""
    height = -(-look.frame.inner_height // 4)
    width = -(-look.frame.inner_width // 4)
    logits[..., height:, :] = -20.0
    logits[..., :, width:] = -20.0
    return logits


def point_grid(look: Encoding, side: int) -> np.ndarray:
    """(side * side, 2) points spread evenly over the photo, (x, y) in pixels of the photo."""
    frame = look.frame
    xs = (np.arange(side) + 0.5) / side * frame.width - 0.5
    ys = (np.arange(side) + 0.5) / side * frame.height - 0.5
    return np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)


@torch.inference_mode()
def decode_points(
    model: PartCLIPSeg, look: Encoding, points: np.ndarray, least: float = 0.0, batch: int = 32,
    progress: Callable[[float], None] = lambda share: None,
) -> Decoded:  # fmt: skip
    """One lone positive click each for (P, 2) points.

    Args:
        least: points without a mask of a predicted IoU above this are left out.
        progress: told the share that is done before each batch; may raise, to stop.

    Returns:
        ``Decoded`` of the points that stay, in their order.
    """
    xy = torch.from_numpy(look.frame.points_to_model(points)).float()[:, None]
    kinds = torch.full(xy.shape[:2], POSITIVE, dtype=torch.long)
    masks, ious = [], []
    for i in range(0, len(xy), batch):
        progress(i / len(xy))
        prompts = PromptBatch(xy[i : i + batch], kinds[i : i + batch])
        logits, iou = model.decode_promising(look.features, prompts, least)
        masks.append(_without_padding(look, logits))
        ious.append(iou)
    return Decoded(torch.cat(masks), torch.cat(ious))


def stability(logits: Tensor, offset: float = 1.0) -> Tensor:
    """IoU of the masks at thresholds +offset and -offset (SAM's stability score): (..., h, w)."""
    tight = (logits > offset).flatten(-2).sum(-1).float()
    loose = (logits > -offset).flatten(-2).sum(-1).float()
    return tight / loose.clamp(min=1)


def suppress(masks: Tensor, scores: Tensor, overlap: float, most: int) -> list[int]:
    """Greedy non-maximum suppression by mask IoU.

    Args:
        masks: ``(N, h, w)`` bool; scores (N,).
        overlap: masks that overlap a better one by more than this IoU are dropped.

    Returns:
        Indices that stay, best first, at most ``most``.
    """
    flat = masks.flatten(1).float()
    areas = flat.sum(1)
    shared = flat @ flat.T
    iou = shared / (areas[:, None] + areas[None] - shared).clamp(min=1)
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        if len(kept) == most:
            break
        if not kept or float(iou[index, kept].max()) <= overlap:
            kept.append(index)
    return kept


def mean_vectors(dense: Tensor, masks: Sequence[Tensor] | Tensor) -> Tensor:
    """Part2CLIP pooling with masks at stride 4 brought to the dense map's stride 8."""
    from partclipseg.modeling.recognition import Part2CLIP

    stacked = masks if isinstance(masks, Tensor) else torch.stack(list(masks))
    small = torch.nn.functional.avg_pool2d(stacked.float()[None], 2)[0]
    return Part2CLIP.pool(dense, small)
