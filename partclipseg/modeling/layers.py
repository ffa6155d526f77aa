"""Small pieces that the model's parts share."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of a ``(B, C, H, W)`` map."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> same."""
        last = x.permute(0, 2, 3, 1)
        normed = F.layer_norm(last, last.shape[-1:], self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class MLP(nn.Module):
    """Linear layers with ReLU between them: ``(..., sizes[0])`` -> ``(..., sizes[-1])``."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., sizes[0])`` -> ``(..., sizes[-1])``."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Attention(nn.Module):
    """Multi-head attention with separate queries, keys and values (softmax(QK'/sqrt d) V)."""

    def __init__(self, width: int, heads: int, inner: int | None = None) -> None:
        super().__init__()
        inner = inner or width
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(width, inner) for _ in range(3))
        self.out = nn.Linear(inner, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B, Nq, C)``, ``(B, Nk, C)`` twice -> ``(B, Nq, C)``; mask (B, Nk) True = attend."""
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.q, q), (self.k, k), (self.v, v))
        )
        mask = None if mask is None else mask[:, None, None, :]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).flatten(-2))


class FourierPositions(nn.Module):
    """Random Fourier features of positions (Tancik et al. 2020, as in SAM's prompt encoder)."""

    def __init__(self, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", scale * torch.randn(2, width // 2))

    def forward(self, xy: Tensor, size: tuple[int, int]) -> Tensor:
        """(x, y) in pixels of the padded model grid, ``(..., 2)`` -> ``(..., width)``.

        Both axes are divided by the long side: the same distance is the same phase in x and y.
        """
        unit = 2 * xy / max(size) - 1
        angles = 2 * math.pi * (unit @ self.frequencies)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def grid(self, height: int, width: int, stride: int) -> Tensor:
        """Encodings of cell centres: ``(height * width, C)`` for a map of that many cells."""
        device = self.frequencies.device
        y, x = torch.meshgrid(
            torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
        )
        centres = (torch.stack([x, y], -1) + 0.5) * stride
        return self(centres, (height * stride, width * stride)).flatten(0, 1)


def upsample_convex(values: Tensor, weights: Tensor) -> Tensor:
    """Double the resolution by learned convex combinations of 3x3 neighbours (RAFT, 2020).

    The weights do not depend on the channel, so any number of similarity maps follows the same
    edges. A constant map stays that constant.

    Args:
        values: ``(B, K, h, w)``.
        weights: ``(B, 36, h, w)`` logits: 9 neighbours for each of the 2x2 finer cells.

    Returns:
        ``(B, K, 2h, 2w)``.
    """
    batch, channels, height, width = values.shape
    mix = weights.view(batch, 1, 9, 4, height, width).softmax(dim=2)
    padded = F.pad(values, (1, 1, 1, 1), mode="replicate")
    patches = F.unfold(padded, 3).view(batch, channels, 9, 1, height, width)
    fine = (mix * patches).sum(2)  # (B, K, 4, h, w)
    return F.pixel_shuffle(fine.flatten(1, 2), 2)
