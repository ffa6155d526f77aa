"""open_clip's image towers, made to give their feature maps for photos of any shape.

Every tower answers the same three questions: which size does it take for an H x W photo, which
maps does it give, and what would it say of each place alone. The last is the dense form of CLIP: a
place is pooled and projected as if it were the whole photo, so that it can be compared with texts
(after MaskCLIP, Zhou et al., "Extract Free Dense Labels from CLIP", ECCV 2022).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from timm.layers.format import Format
from torch import Tensor, nn

from partclipseg.clip import dense

COARSEST = 32
"""No map coarser than this is handed out: a photo's sides are multiples of 32 pixels."""


class Tower(nn.Module, ABC):
    """One image tower: ``visual`` of an open_clip model.

    Attributes:
        channels, strides: of the maps that ``forward`` gives, fine to coarse. The last map lies
            in the CLIP space.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    @abstractmethod
    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width), pixels, to resize a photo to; its sides are multiples of 32 now."""

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Normalised ``(B, 3, H, W)`` of an input size -> maps ``(B, C_i, h_i, w_i)``, ``(B, D)``.

        The embedding is what open_clip's ``encode_image`` gives, not yet of unit length.
        """


def wrap(visual: nn.Module, embed_dim: int, variant: str = dense.DEFAULT) -> Tower:
    """The tower for an open_clip model's ``visual``; TypeError where it is of no known kind.

    ``variant`` is one of ``dense.VARIANTS``; towers other than open_clip's own ViT have one way.
    """
    if isinstance(visual, VisionTransformer):
        return TransformerTower(visual, embed_dim, variant)
    if isinstance(visual, ModifiedResNet):
        return ResNetTower(visual, embed_dim)
    if isinstance(visual, TimmModel):
        return TimmTower(visual, embed_dim)
    raise TypeError(f"no feature maps are known for image towers of type {type(visual).__name__}")


def _scaled_to_patches(height: int, width: int, patch: int, stride: int) -> tuple[int, int]:
    """Patches of 14 pixels would fit no stride; the photo is resized so that a patch covers 16."""
    return height // stride * patch, width // stride * patch


def _stride_of(patch: int) -> int:
    """The power of two nearest to a patch size: 14, 16, 18 -> 16; 32 -> 32."""
    return 1 << round(math.log2(patch))


def _quarters(depth: int) -> list[int]:
    """Block indices after a quarter, a half and three quarters of the depth: 2, 5, 8 of 12."""
    return sorted({max(depth * quarter // 4 - 1, 0) for quarter in (1, 2, 3)})


def _resize_positions(positions: Tensor, old: Sequence[int], new: Sequence[int]) -> Tensor:
    """Learnt positions ``(1 + old_h * old_w, C)`` to another grid; the first one, a token's, stays.

    Bicubic with antialiasing, as open_clip resizes them at load.
    """
    if tuple(old) == tuple(new):
        return positions
    token, grid = positions[:1], positions[1:]
    grid = grid.T.reshape(1, -1, old[0], old[1])
    grid = F.interpolate(grid, size=tuple(new), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([token, grid.flatten(2)[0].T])


def _to_map(cells: Tensor, batch: int, height: int, width: int) -> Tensor:
    """``(B * h * w, C)``, or ``(B, h * w, C)``, in reading order -> ``(B, C, h, w)``."""
    return cells.reshape(batch, height, width, -1).permute(0, 3, 1, 2).contiguous()


class TransformerTower(Tower):
    """open_clip's own ViT: three blocks' patch tokens and the projected ones, all at one stride.

    It does not go through ``VisionTransformer.forward_intermediates``, which adds the learnt
    positions of one fixed grid; here they are resized for each call, without touching the
    weights, so that threads may share the tower.
    """

    def __init__(
        self, visual: VisionTransformer, embed_dim: int, variant: str = dense.DEFAULT
    ) -> None:
        super().__init__()
        self.visual = visual
        blocks: Any = visual.transformer.resblocks
        known = len(blocks) > 1 and dense.is_standard(blocks[-1])
        self.variant = variant if known else "plain"
        self.patch = int(visual.patch_size[0])
        self.stride = _stride_of(self.patch)
        self.blocks = _quarters(visual.transformer.layers)
        width = visual.transformer.width
        self.channels = (width,) * len(self.blocks) + (embed_dim,)
        self.strides = (self.stride,) * len(self.channels)

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        return _scaled_to_patches(height, width, self.patch, self.stride)

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        visual = self.visual
        patches = visual.conv1(images)
        batch, width, *grid = patches.shape
        token = visual.class_embedding.expand(batch, 1, width)
        x = torch.cat([token, patches.flatten(2).transpose(1, 2)], dim=1)
        x = x + _resize_positions(visual.positional_embedding, visual.grid_size, grid)
        x = visual.ln_pre(visual.patch_dropout(x))
        blocks: Any = visual.transformer.resblocks
        before = len(blocks) - 2
        wanted = sorted({*self.blocks, max(before, 0)})
        x, outputs = visual.transformer.forward_intermediates(x, indices=wanted)
        taken = dict(zip(wanted, outputs, strict=True))
        maps = [_to_map(taken[i][:, 1:], batch, grid[0], grid[1]) for i in self.blocks]
        last = x
        if self.variant != "plain":
            last = dense.last_block(blocks[-1], taken[before], (grid[0], grid[1]), self.variant)
        maps.append(_to_map(self._each_alone(last[:, 1:]), batch, grid[0], grid[1]))
        pooled, _ = visual._pool(x)
        return maps, pooled @ visual.proj

    def _each_alone(self, patches: Tensor) -> Tensor:
        """Patch tokens ``(B, N, C)`` -> ``(B * N, D)``, pooled one by one."""
        visual = self.visual
        cells = patches.reshape(-1, 1, patches.shape[-1])
        if visual.attn_pool is not None:
            # CoCa: with a single key every query gets the same answer, so one query is enough.
            pool = visual.attn_pool
            query = pool.ln_q(pool.query[:1]).expand(len(cells), 1, -1)
            keys = pool.ln_k(cells)
            pooled = visual.ln_post(pool.attn(query, keys, keys, need_weights=False)[0])[:, 0]
        else:
            # Twice the same: once in the class token's place, once as the patch.
            pooled, _ = visual._pool(cells.expand(-1, 2, -1))
        return pooled @ visual.proj


class ResNetTower(Tower):
    """OpenAI's ResNets: four stages at strides 4 to 32, and the attention pool's values."""

    def __init__(self, visual: ModifiedResNet, embed_dim: int) -> None:
        super().__init__()
        self.visual = visual
        widths = [
            stage[-1].conv3.out_channels
            for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4)
        ]
        self.channels = (*widths, embed_dim)
        self.strides = (4, 8, 16, 32, 32)

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        seen = self.visual.forward_intermediates(
            images, indices=[1, 2, 3, 4], intermediates_only=True
        )
        maps = list(seen["image_intermediates"])
        dense, embedding = self._pool(maps[-1])
        return [*maps, dense], embedding

    def _pool(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Last stage ``(B, C, h, w)`` -> values ``(B, D, h, w)`` and the pooled ``(B, D)``.

        The module's own forward knows one grid and gives the pooled vector only.
        """
        pool = self.visual.attnpool
        batch, _, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        # The values without the learnt positions: those say where a place is, not what it is.
        dense = _to_map(pool.c_proj(pool.v_proj(tokens)), batch, height, width)

        side = round((len(pool.positional_embedding) - 1) ** 0.5)
        positions = _resize_positions(pool.positional_embedding, (side, side), (height, width))
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1) + positions
        query, key, value = (
            projection(part).unflatten(-1, (pool.num_heads, -1)).transpose(1, 2)
            for projection, part in (
                (pool.q_proj, tokens[:, :1]),
                (pool.k_proj, tokens),
                (pool.v_proj, tokens),
            )
        )
        pooled = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return dense, pool.c_proj(pooled)[:, 0]


class TimmTower(Tower):
    """timm's towers in open_clip: ConvNeXt, FastViT (MobileCLIP), SigLIP, ViTamin, EVA, PE ...

    Convolutional towers take any size. Plain ViTs are switched to timm's dynamic size. The rest
    (rotary positions, shifted windows, relative positions) see every photo resized to the one size
    they are built for.
    """

    def __init__(self, visual: TimmModel, embed_dim: int) -> None:
        super().__init__()
        self.visual = visual
        trunk = visual.trunk
        widths = [stage["num_chs"] for stage in trunk.feature_info]
        reductions = [stage["reduction"] for stage in trunk.feature_info]
        self.channels_last = getattr(trunk, "output_fmt", "NCHW") == "NHWC"
        self.is_pyramid = reductions[-1] > reductions[0]
        self.coarsest = reductions[-1]
        if self.is_pyramid:
            self.stages = [i for i, stride in enumerate(reductions) if stride <= COARSEST]
            strides = [reductions[i] for i in self.stages]
        else:
            self.stages = _quarters(len(reductions))
            strides = [_stride_of(reductions[i]) for i in self.stages]
        self.channels = (*(widths[i] for i in self.stages), embed_dim)
        self.strides = (*strides, min(_stride_of(self.coarsest), COARSEST))
        self.fixed_size: tuple[int, int] | None = None
        if not self._takes_any_size():
            # The trunk's own size: open_clip does not hand its config's image_size down to it.
            embed = getattr(trunk, "patch_embed", visual)
            height, width = getattr(embed, "img_size", visual.image_size)
            self.fixed_size = (int(height), int(width))

    def _takes_any_size(self) -> bool:
        trunk = self.visual.trunk
        embed = getattr(trunk, "patch_embed", None)
        if hasattr(self.visual.head, "pool"):
            return False  # open_clip's attention pools know one grid
        if embed is None:
            return self.is_pyramid
        learnt = getattr(trunk, "pos_embed", None) is not None
        rotary = getattr(trunk, "rope", None) is not None
        if not hasattr(trunk, "dynamic_img_size") or not learnt or rotary:
            return False
        # What timm's constructor does for dynamic_img_size=True, which open_clip does not pass on.
        trunk.dynamic_img_size = True
        embed.strict_img_size = False
        embed.flatten = False
        embed.output_fmt = Format.NHWC
        return True

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        if self.fixed_size is not None:
            return self.fixed_size
        if not self.is_pyramid:
            return _scaled_to_patches(height, width, self.coarsest, self.strides[-1])
        step = self.coarsest
        return -(-height // step) * step, -(-width // step) * step

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        visual = self.visual
        x, taken = visual.trunk.forward_intermediates(images, indices=self.stages)
        embedding = visual.head(visual.trunk.forward_head(x))
        grid = (images.shape[-2] // self.coarsest, images.shape[-1] // self.coarsest)
        dense = _to_map(self._each_alone(x), len(images), *grid)
        return [*taken, dense], embedding

    def _each_alone(self, x: Tensor) -> Tensor:
        """The trunk's tokens ``(B, P + N, C)``, or map -> ``(B * N, D)``, pooled one by one."""
        trunk = self.visual.trunk
        if x.ndim == 3:
            prefix = trunk.num_prefix_tokens
            cells = x[:, prefix:].reshape(-1, 1, x.shape[-1]).expand(-1, prefix + 1, -1)
        elif self.channels_last:
            cells = x.reshape(-1, 1, 1, x.shape[-1])
        else:
            cells = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1], 1, 1)
        return self.visual.head(trunk.forward_head(cells))
