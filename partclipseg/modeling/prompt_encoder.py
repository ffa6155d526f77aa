"""Prompts -> sparse tokens and dense maps (after SAM's prompt encoder, Kirillov et al. 2023).

Beyond SAM, a click also brings what lies under it: the photo's features at the point join its
token, and maps of how similar every cell is to the clicked ones (and to the asked words) guide the
decoder. Both come from CLIP2PartSeg, where cells of one part are alike by construction.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.modeling.adapter import PartFeatures
from partclipseg.modeling.layers import FourierPositions, LayerNorm2d

# Kinds of sparse tokens, also the rows of the kind embedding.
NEGATIVE, POSITIVE, BOX_CORNER_1, BOX_CORNER_2, TEXT, PADDING = range(6)
STRIDE = 16  # of the decoder's tokens
GUIDE_STRIDE = 8  # of the guidance maps
GUIDE_CHANNELS = 8
CLICK_RADIUS = 12.0  # pixels of the model grid, standard deviation of a click's blob


@dataclass(frozen=True)
class PromptBatch:
    """P prompts for one photo, or one prompt each for P photos; every field may be left out.

    Attributes:
        points: ``(P, N, 2)`` (x, y) in pixels of the padded model grid (pixel centres at .0).
        kinds: ``(P, N)`` int64 from the constants above; corners of boxes are two points.
        text: ``(P, D)`` unit vectors, zero where a prompt has no words.
        mask: ``(P, 1, H/4, W/4)`` logits of a mask; ``has_mask`` (P,) says where it counts.
    """

    points: Tensor
    kinds: Tensor
    text: Tensor | None = None
    mask: Tensor | None = None
    has_mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)


def at_points(dense: Tensor, points: Tensor, stride: int) -> Tensor:
    """Vectors of a map under points: ``(P or 1, C, h, w)``, ``(P, N, 2)`` -> ``(P, N, C)``."""
    height, width = dense.shape[-2:]
    cells = ((points + 0.5) / stride).long()
    x, y = cells[..., 0].clamp(0, width - 1), cells[..., 1].clamp(0, height - 1)
    flat = dense.flatten(2).transpose(1, 2).expand(points.shape[0], -1, -1)
    index = (y * width + x)[..., None].expand(-1, -1, flat.shape[-1])
    return flat.gather(1, index)


def guidance(features: PartFeatures, prompts: PromptBatch) -> Tensor:
    """How each cell relates to the prompts, ``(P, 8, H/8, W/8)``, without any learned weight.

    Channels: cosine with the positive clicks' cells (part, object), with the negative ones' (part),
    nearness to positive and negative clicks, inside the box, cosine with the words (part, object).
    """
    part, owner = features.part.detach(), features.object.detach()
    height, width = part.shape[-2:]
    points, kinds = prompts.points, prompts.kinds
    positive, negative = (kinds == POSITIVE).float(), (kinds == NEGATIVE).float()
    under = at_points(part, points, GUIDE_STRIDE)
    under_object = at_points(owner, points, GUIDE_STRIDE)
    words = prompts.text if prompts.text is not None else torch.zeros_like(part[:1, :, 0, 0])
    words = words.expand(points.shape[0], -1)
    asked = torch.stack([_mean(under, positive), _mean(under, negative), words], 1)
    asked_object = torch.stack([_mean(under_object, positive), words], 1)
    near_part = (asked @ part.flatten(2)).unflatten(-1, (height, width))
    near_object = (asked_object @ owner.flatten(2)).unflatten(-1, (height, width))
    centres = (torch.arange(max(height, width), device=part.device) + 0.5) * GUIDE_STRIDE - 0.5
    dx = (centres[:width] - points[..., :1]) / CLICK_RADIUS  # (P, N, w)
    dy = (centres[:height] - points[..., 1:]) / CLICK_RADIUS
    blobs = (-0.5 * (dx[:, :, None, :] ** 2 + dy[..., None] ** 2)).exp()
    near = [_most(blobs * sign[..., None, None]) for sign in (positive, negative)]
    box = _inside(points, kinds, centres[:width], centres[:height])
    return torch.stack(
        [near_part[:, 0], near_object[:, 0], near_part[:, 1], *near, box, near_part[:, 2],
         near_object[:, 1]], dim=1,
    )  # fmt: skip


def _mean(vectors: Tensor, weight: Tensor) -> Tensor:
    """Unit mean of ``(P, N, D)`` where ``weight`` (P, N) is 1; zero where it nowhere is."""
    return F.normalize((vectors * weight[..., None]).sum(1), dim=-1)


def _most(blobs: Tensor) -> Tensor:
    """Maximum over the N of ``(P, N, h, w)``; zero for no points."""
    return blobs.amax(1) if blobs.shape[1] else blobs.sum(1)


def _inside(points: Tensor, kinds: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """1 for the cells inside any box of a prompt: corners come in pairs, ``(P, h, w)``."""
    is_box = (kinds[:, :-1] == BOX_CORNER_1) & (kinds[:, 1:] == BOX_CORNER_2)
    low, high = points[:, :-1, :, None], points[:, 1:, :, None]
    across = (xs >= low[:, :, 0]) & (xs <= high[:, :, 0]) & is_box[..., None]  # (P, N - 1, w)
    down = (ys >= low[:, :, 1]) & (ys <= high[:, :, 1])
    return (down[..., None] & across[:, :, None]).any(1).float()


class PromptEncoder(nn.Module):
    """Points, boxes and words become tokens; a mask and the guidance become maps."""

    def __init__(self, width: int, embed_dim: int, photo_width: int, guide_width: int = 32) -> None:
        super().__init__()
        self.positions = FourierPositions(width)
        self.kind = nn.Embedding(6, width)
        self.text = nn.Sequential(nn.Linear(embed_dim, width), nn.GELU(), nn.Linear(width, width))
        self.content = nn.Linear(photo_width, width)
        self.guide = nn.Sequential(
            nn.Conv2d(GUIDE_CHANNELS, guide_width, 3, padding=1), nn.GELU(),
            nn.Conv2d(guide_width, guide_width, 3, padding=1), nn.GELU(),
        )  # fmt: skip
        self.guide_down = nn.Conv2d(guide_width, width, 2, stride=2)
        self.no_mask = nn.Parameter(torch.zeros(width))
        self.mask = nn.Sequential(
            nn.Conv2d(1, 8, 2, stride=2), LayerNorm2d(8), nn.GELU(),
            nn.Conv2d(8, 32, 2, stride=2), LayerNorm2d(32), nn.GELU(),
            nn.Conv2d(32, width, 1),
        )  # fmt: skip

    def forward(
        self, prompts: PromptBatch, features: PartFeatures
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode P prompts on one photo's features (batch 1), or on P photos'.

        Returns:
            tokens ``(P, N + 1, C)``, which of them count ``(P, N + 1)`` bool, the dense map
            ``(P, C, H/16, W/16)`` and the guidance ``(P, G, H/8, W/8)``. The last token holds the
            words.
        """
        height, width = (s * GUIDE_STRIDE for s in features.middle.shape[-2:])
        count = prompts.points.shape[0]  # not len(): that would be a constant in an export
        placed = self.positions(prompts.points + 0.5, (height, width)) + self.kind(prompts.kinds)
        placed = placed + self.content(at_points(features.middle, prompts.points, GUIDE_STRIDE))
        present = prompts.kinds != PADDING
        device, dtype = placed.device, placed.dtype
        if prompts.text is None:
            words = torch.zeros(count, placed.shape[-1], device=device, dtype=dtype)
            has_words = torch.zeros(count, dtype=torch.bool, device=device)
        else:
            has_words = prompts.text.abs().sum(-1) > 0
            words = self.text(prompts.text) + self.kind.weight[TEXT]
        tokens = torch.cat([placed, words[:, None]], dim=1)
        dense = self.no_mask[:, None, None].expand(count, -1, height // STRIDE, width // STRIDE)
        if prompts.mask is not None:
            # Logits beyond +-8 say no more; a confident mask must not drown the photo.
            encoded = self.mask(prompts.mask.clamp(-8, 8))
            chosen = torch.ones(count, dtype=torch.bool, device=device)
            if prompts.has_mask is not None:
                chosen = prompts.has_mask
            dense = torch.where(chosen[:, None, None, None], encoded, dense)
        guide = self.guide(guidance(features, prompts))
        present = torch.cat([present, has_words[:, None]], dim=1)
        return tokens, present, dense + self.guide_down(guide), guide
