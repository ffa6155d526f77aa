"""CLIP2PartSeg: from the CLIP tower's pyramid to decoder maps and dense vectors in CLIP space."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.modeling.config import AdapterConfig
from partclipseg.modeling.layers import Attention, FourierPositions, LayerNorm2d

LEVELS = (4, 8, 16, 32)  # strides of the pyramid


class PartFeatures(NamedTuple):
    """What one encoded photo is made of.

    Attributes:
        coarse: ``(B, C, H/16, W/16)``, the tokens of the mask decoder.
        middle: ``(B, C, H/8, W/8)``.
        fine: ``(B, C_fine, H/4, W/4)``, edges for the masks.
        part: ``(B, D, H/8, W/8)`` unit vectors, near the embedding of "PART of a OBJECT".
        object: ``(B, D, H/8, W/8)`` unit vectors, near the embedding of "OBJECT".
        edges: ``(B, 36, H/8, W/8)`` logits for ``layers.upsample_convex``.
    """

    coarse: Tensor
    middle: Tensor
    fine: Tensor
    part: Tensor
    object: Tensor
    edges: Tensor


class ContextLayer(nn.Module):
    """One transformer layer over the coarsest map: every cell may look at the whole photo."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.positions = FourierPositions(width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        last = nn.Linear(2 * width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), last)
        # A new layer begins as the identity, so one may be added to a trained model.
        for layer in (self.attention.out, last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> same."""
        height, width = x.shape[-2:]
        tokens = x.flatten(2).transpose(1, 2)
        normed = self.norm1(tokens)
        placed = normed + self.positions.grid(height, width, 32)
        tokens = tokens + self.attention(placed, placed, normed)
        tokens = tokens + self.mlp(self.norm2(tokens))
        return tokens.transpose(1, 2).unflatten(-1, (height, width))


def _smooth(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False), LayerNorm2d(channels), nn.GELU()
    )


def levels(strides: Sequence[int]) -> tuple[int, ...]:
    """Which of a tower's maps feeds each of the strides 4, 8, 16, 32, by index.

    Of a pyramid, the coarsest map that is not coarser than the level. A ViT has one stride: its
    shallow blocks, which know edges, feed the fine levels (as in ViTDet, Li et al. 2022).
    """
    last = len(strides) - 1
    if len(set(strides)) == 1:
        return tuple(round(i * last / 3) for i in range(4))
    return tuple(
        max((i for i, stride in enumerate(strides) if stride <= level), default=0)
        for level in LEVELS
    )


class CLIP2PartSeg(nn.Module):
    """Feature pyramid (Lin et al. 2017) over a tower's maps, and two dense projections to CLIP.

    Args:
        channels, strides: of the tower's maps, fine to coarse.
    """

    def __init__(
        self, channels: Sequence[int], strides: Sequence[int], embed_dim: int, config: AdapterConfig
    ) -> None:
        super().__init__()
        width, fine = config.width, config.fine_width
        self.strides, self.sources = tuple(strides), levels(strides)
        taken = [channels[i] for i in self.sources]
        self.lateral4 = nn.Conv2d(taken[0], fine, 1)
        self.lateral8 = nn.Conv2d(taken[1], width, 1)
        self.lateral16 = nn.Conv2d(taken[2], width, 1)
        self.lateral32 = nn.Conv2d(taken[3], width, 1)
        self.context = nn.Sequential(
            *(ContextLayer(width, config.heads) for _ in range(config.context_layers))
        )
        self.smooth16, self.smooth8, self.smooth4 = _smooth(width), _smooth(width), _smooth(fine)
        self.to_fine = nn.Conv2d(width, fine, 1)
        self.from_fine = nn.Conv2d(fine, width, 2, stride=2)
        self.mix8 = _smooth(width)
        hidden = config.projection_width
        self.hidden = nn.Sequential(nn.Conv2d(width, hidden, 1), nn.GELU())
        self.project_part = nn.Conv2d(hidden, embed_dim, 1)
        self.project_object = nn.Conv2d(hidden, embed_dim, 1)
        self.edges = nn.Conv2d(width, 36, 1)

    def forward(self, maps: Sequence[Tensor]) -> PartFeatures:
        """``ImageFeatures.maps`` -> ``PartFeatures``."""
        height, width = (s * self.strides[0] for s in maps[0].shape[-2:])
        laterals = (self.lateral4, self.lateral8, self.lateral16, self.lateral32)
        at4, at8, at16, at32 = (
            _fit(lateral(maps[source]), (height // level, width // level))
            for lateral, source, level in zip(laterals, self.sources, LEVELS, strict=True)
        )
        top = self.context(at32)
        coarse = self.smooth16(at16 + _double(top))
        middle = self.smooth8(at8 + _double(coarse))
        fine = self.smooth4(at4 + _double(self.to_fine(middle)))
        # Small parts live at stride 4; the dense vectors get to see them too.
        dense = middle + self.mix8(middle + self.from_fine(fine))
        hidden = self.hidden(dense)
        return PartFeatures(
            coarse=coarse,
            middle=middle,
            fine=fine,
            part=F.normalize(self.project_part(hidden), dim=1),
            object=F.normalize(self.project_object(hidden), dim=1),
            edges=self.edges(dense),
        )


def _fit(x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
