"""Dense vectors from CLIP towers that were trained for whole photos, without training.

CLIP's last block mixes every patch with patches of other things, which is right for one vector a
photo and wrong for a vector a place. The variants below replace its attention only:

``plain``     as trained: the reference, equal to open_clip's own output
``maskclip``  every patch keeps its own value (Zhou et al., ECCV 2022)
``sclip``     patches attend to patches with like queries and like keys (Wang et al., ECCV 2024)
``nacl``      like keys and near by, without the residual and the MLP (Hajimiri et al., WACV 2025)
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.clip.backbone import Backbone
from partclipseg.errors import InputError

VARIANTS = ("plain", "maskclip", "sclip", "nacl")
# The published comparisons put NACLIP first of those that need no training; not measured here.
DEFAULT = "nacl"
NEIGHBOURHOOD = 5.0  # standard deviation of nacl's Gaussian, in patches, as published
SHORT_SIDE, WINDOW, STEP = 336, 224, 112  # pixels, as published with these methods


def checked(variant: str) -> str:
    """``variant``, or InputError where there is none of that name."""
    if variant not in VARIANTS:
        raise InputError(
            f'There is no dense variant "{variant}"; use one of {", ".join(VARIANTS)}.'
        )
    return variant


def is_standard(block: nn.Module) -> bool:
    """Whether ``last_block`` knows the parts of an open_clip block."""
    attention = getattr(block, "attn", None)
    return isinstance(attention, nn.MultiheadAttention) and attention.in_proj_weight is not None


def last_block(block: Any, x: Tensor, grid: tuple[int, int], variant: str) -> Tensor:
    """open_clip's residual block with another attention.

    Args:
        x: ``(B, 1 + h * w, C)`` tokens before the block, the class token first.
        grid: (h, w).
        variant: one of ``VARIANTS``.

    Returns:
        The tokens after the block, same shape.
    """
    attention = block.attn
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    q, k, v = (
        part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        for part in F.linear(block.ln_1(x), weight, bias).chunk(3, dim=-1)
    )
    mixed = _mix(q, k, v, grid, variant).transpose(1, 2).flatten(2)
    mixed = attention.out_proj(mixed)
    if variant == "nacl":
        return mixed
    x = x + block.ls_1(mixed)
    return x + block.ls_2(block.mlp(block.ln_2(x)))


def _mix(q: Tensor, k: Tensor, v: Tensor, grid: tuple[int, int], variant: str) -> Tensor:
    scale = 1 / math.sqrt(q.shape[-1])
    if variant == "maskclip":
        return v
    if variant == "sclip":
        by_query = (scale * q @ q.transpose(-2, -1)).softmax(-1)
        by_key = (scale * k @ k.transpose(-2, -1)).softmax(-1)
        return (by_query + by_key) @ v
    if variant == "nacl":
        near = neighbourhood(grid, k.device).to(k.dtype)
        return (scale * k @ k.transpose(-2, -1) + near).softmax(-1) @ v
    return (scale * q @ k.transpose(-2, -1)).softmax(-1) @ v


def neighbourhood(grid: tuple[int, int], device: torch.device | None = None) -> Tensor:
    """Gaussian of the distance between patches, added to the logits: ``(1 + N, 1 + N)``.

    1 for a patch and itself, 0 far away and for the class token, which is nowhere.
    """
    height, width = grid
    y, x = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
    )
    places = torch.stack([x, y], -1).flatten(0, 1).float()
    squared = torch.cdist(places, places).pow(2)
    return F.pad((-squared / (2 * NEIGHBOURHOOD**2)).exp(), (1, 0, 1, 0))


@torch.inference_mode()
def sliding(
    backbone: Backbone, images: Tensor, *, short_side: int = SHORT_SIDE, window: int = WINDOW,
    step: int = STEP,
) -> Tensor:  # fmt: skip
    """The CLIP-space map of a photo from overlapping windows of the size a tower was trained at.

    Args:
        images: ``(1, 3, H, W)`` RGB in [0, 1].
        short_side, window, step: pixels; rounded to whole cells of the map.

    Returns:
        ``(D, h, w)`` unit vectors over the whole photo, means where windows overlap.
    """
    unit = backbone.strides[-1]
    height, width = images.shape[-2:]
    scale = short_side / min(height, width)
    size = tuple(max(window, round(side * scale / unit) * unit) for side in (height, width))
    resized = F.interpolate(images, size=size, mode="bilinear", antialias=True, align_corners=False)
    corners = [(y, x) for y in _starts(size[0], window, step, unit)
               for x in _starts(size[1], window, step, unit)]  # fmt: skip
    tiles = torch.cat([resized[..., y : y + window, x : x + window] for y, x in corners])
    seen = backbone(tiles).maps[-1]
    total = seen.new_zeros(seen.shape[1], size[0] // unit, size[1] // unit)
    count = seen.new_zeros(total.shape[1:])
    cells = window // unit
    for (y, x), tile in zip(corners, seen, strict=True):
        place = (slice(y // unit, y // unit + cells), slice(x // unit, x // unit + cells))
        total[:, *place] += tile
        count[place] += 1
    return F.normalize(total / count, dim=0)


def _starts(length: int, window: int, step: int, unit: int) -> list[int]:
    """Where windows begin so that they cover ``length`` pixels, all on whole cells."""
    step = max(unit, step // unit * unit)
    return sorted({*range(0, length - window, step), length - window})
