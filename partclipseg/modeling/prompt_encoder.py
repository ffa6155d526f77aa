"""Prompts -> sparse tokens and a dense map (after SAM's prompt encoder, Kirillov et al. 2023)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from partclipseg.modeling.layers import FourierPositions, LayerNorm2d

# Kinds of sparse tokens, also the rows of the kind embedding.
NEGATIVE, POSITIVE, BOX_CORNER_1, BOX_CORNER_2, TEXT, PADDING = range(6)
STRIDE = 16  # of the decoder's tokens


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


class PromptEncoder(nn.Module):
    """Points, boxes and words become tokens; a mask becomes a map that is added to the photo's."""

    def __init__(self, width: int, embed_dim: int) -> None:
        super().__init__()
        self.positions = FourierPositions(width)
        self.kind = nn.Embedding(6, width)
        self.text = nn.Sequential(nn.Linear(embed_dim, width), nn.GELU(), nn.Linear(width, width))
        self.no_mask = nn.Parameter(torch.zeros(width))
        self.mask = nn.Sequential(
            nn.Conv2d(1, 8, 2, stride=2), LayerNorm2d(8), nn.GELU(),
            nn.Conv2d(8, 32, 2, stride=2), LayerNorm2d(32), nn.GELU(),
            nn.Conv2d(32, width, 1),
        )  # fmt: skip

    def forward(self, prompts: PromptBatch, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Encode prompts for a padded model grid of ``size`` (height, width) pixels.

        Returns:
            tokens ``(P, N + 1, C)``, which of them count ``(P, N + 1)`` bool, and the dense map
            ``(P, C, H/16, W/16)``. The last token holds the words.
        """
        count, (height, width) = len(prompts), size
        placed = self.positions(prompts.points + 0.5, (height, width)) + self.kind(prompts.kinds)
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
        return tokens, torch.cat([present, has_words[:, None]], dim=1), dense
