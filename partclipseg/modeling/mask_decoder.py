"""Mask decoder: a two-way transformer between prompt tokens and the photo (SAM, 2023).

Three mask tokens stand for the granularities whole, part and sub-part; one token predicts the IoU
of each mask. Masks come out at stride 4 and take their edges from the adapter's fine maps
(as in SAM 2, Ravi et al. 2024).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.modeling.config import DecoderConfig
from partclipseg.modeling.layers import MLP, Attention, LayerNorm2d

GRANULARITIES = ("whole", "part", "subpart")


class TwoWayLayer(nn.Module):
    """Tokens attend to each other and to the photo, then the photo attends to the tokens."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width, heads, inner = config.width, config.heads, config.width // 2
        self.self_attention = Attention(width, heads)
        self.to_image = Attention(width, heads, inner)
        self.mlp = MLP(width, config.mlp_width, width)
        self.to_tokens = Attention(width, heads, inner)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))

    def forward(
        self, tokens: Tensor, image: Tensor, origin: Tensor, grid: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """tokens ``(P, N, C)``, image ``(P, L, C)``, their positions, which tokens count (P, N)."""
        placed = tokens + origin
        tokens = self.norms[0](tokens + self.self_attention(placed, placed, tokens, present))
        tokens = self.norms[1](tokens + self.to_image(tokens + origin, image + grid, image))
        tokens = self.norms[2](tokens + self.mlp(tokens))
        answer = self.to_tokens(image + grid, tokens + origin, tokens, present)
        return tokens, self.norms[3](image + answer)


class MaskDecoder(nn.Module):
    """Prompt tokens and the photo's maps -> three mask logits and their predicted IoU."""

    def __init__(
        self, width: int, fine_width: int, config: DecoderConfig, guide_width: int = 32
    ) -> None:
        super().__init__()
        count = len(GRANULARITIES)
        inner = config.width
        self.image = nn.Conv2d(width, inner, 1)
        self.queries = nn.Embedding(count + 1, inner)
        self.layers = nn.ModuleList(TwoWayLayer(config) for _ in range(config.layers))
        self.final = Attention(inner, config.heads, inner // 2)
        self.final_norm = nn.LayerNorm(inner)
        self.up8 = nn.ConvTranspose2d(inner, 2 * config.mask_width, 2, stride=2)
        self.skip8 = nn.Conv2d(width, 2 * config.mask_width, 1)
        self.guide8 = nn.Conv2d(guide_width, 2 * config.mask_width, 1)
        self.norm8 = LayerNorm2d(2 * config.mask_width)
        self.up4 = nn.ConvTranspose2d(2 * config.mask_width, config.mask_width, 2, stride=2)
        self.skip4 = nn.Conv2d(fine_width, config.mask_width, 1)
        self.hyper = nn.ModuleList(MLP(inner, inner, config.mask_width) for _ in range(count))
        self.iou = MLP(inner, inner, count)

    def forward(
        self,
        maps: tuple[Tensor, Tensor, Tensor],
        grid: Tensor,
        tokens: Tensor,
        present: Tensor,
        dense: Tensor,
        guide: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Decode P prompts.

        Args:
            maps: coarse, middle and fine maps of the photo (batch 1, or P).
            grid: ``(L, C)`` positions of the coarse map's cells.
            tokens: ``(P, N, C)`` and ``present`` (P, N) bool from the prompt encoder.
            dense: ``(P, C, H/16, W/16)`` and guide ``(P, G, H/8, W/8)`` from the prompt encoder.

        Returns:
            mask logits ``(P, 3, H/4, W/4)`` (whole, part, sub-part) and predicted IoU ``(P, 3)``.
        """
        coarse, middle, fine = maps
        state, image = self.attend(coarse, grid, tokens, present, dense)
        return self.masks(state, image, middle, fine, guide), self.predicted_iou(state)

    def attend(
        self, coarse: Tensor, grid: Tensor, tokens: Tensor, present: Tensor, dense: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the prompts and the photo make of each other, the cheap half of decoding.

        Returns:
            the state of the mask and IoU tokens ``(P, N, C)`` and the photo as each prompt sees it
            ``(P, C, H/16, W/16)``.
        """
        count, (height, width) = tokens.shape[0], coarse.shape[-2:]
        queries = self.queries.weight.expand(count, -1, -1)
        state = torch.cat([queries, tokens], dim=1)
        present = F.pad(present, (queries.shape[1], 0), value=True)
        origin = state
        image = (self.image(coarse) + dense).flatten(2).transpose(1, 2)
        for layer in self.layers:
            state, image = layer(state, image, origin, grid, present)
        state = self.final_norm(state + self.final(state + origin, image + grid, image))
        return state, image.transpose(1, 2).unflatten(-1, (height, width))

    def predicted_iou(self, state: Tensor) -> Tensor:
        """``(P, 3)`` from ``attend``'s state; the masks themselves are not needed."""
        return self.iou(state[:, len(self.hyper)]).sigmoid()

    def masks(
        self, state: Tensor, image: Tensor, middle: Tensor, fine: Tensor, guide: Tensor
    ) -> Tensor:
        """Mask logits ``(P, 3, H/4, W/4)`` from what ``attend`` gave."""
        upscaled = self._upscale(image, middle, fine, guide)
        kernels = torch.stack([mlp(state[:, i]) for i, mlp in enumerate(self.hyper)], dim=1)
        return torch.einsum("pkc,pchw->pkhw", kernels, upscaled)

    def _upscale(self, image: Tensor, middle: Tensor, fine: Tensor, guide: Tensor) -> Tensor:
        """``(P, C, H/16, W/16)`` -> ``(P, mask_width, H/4, W/4)`` with the fine maps' edges."""
        at8 = F.gelu(self.norm8(self.up8(image) + self.skip8(middle) + self.guide8(guide)))
        return F.gelu(self.up4(at8) + self.skip4(fine))
