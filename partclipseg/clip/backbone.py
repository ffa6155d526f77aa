"""All that PartCLIPSeg knows of a CLIP model: feature maps, one embedding a photo, text vectors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class ImageFeatures:
    """One batch of photos seen by a CLIP image tower.

    Attributes:
        maps: from fine to coarse, the i-th ``(B, C_i, H/stride_i, W/stride_i)`` with C_i and
            stride_i as in ``Backbone.channels`` and ``Backbone.strides``.
        embedding: ``(B, D)`` unit vectors in the CLIP space, one a photo.
    """

    maps: tuple[Tensor, ...]
    embedding: Tensor


class Backbone(nn.Module, ABC):
    """A CLIP dual encoder: an image tower that also gives its feature maps, and a text tower.

    Attributes:
        name: how the model is asked for, e.g. ``"lite"`` or ``"ViT-B-16-quickgelu/openai"``.
        embed_dim: D, the width of the space that photos and texts share.
        channels: the width of every map, fine to coarse.
        strides: pixels of the input per cell of every map, same order; never decreasing.
        mean, std: what the image tower expects, RGB in [0, 1]. ``normalise`` applies them.
        licence: the licence of the weights as their publisher states it; None where we do not know.
    """

    name: str
    embed_dim: int
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str | None
    _mean: Tensor
    _std: Tensor

    def __init__(
        self,
        *,
        name: str,
        embed_dim: int,
        channels: Sequence[int],
        strides: Sequence[int],
        mean: Sequence[float],
        std: Sequence[float],
        licence: str | None = None,
    ) -> None:
        super().__init__()
        if not channels or len(channels) != len(strides) or list(strides) != sorted(strides):
            raise ValueError(f"channels {channels} and strides {strides} must pair, fine to coarse")
        self.name = name
        self.embed_dim = embed_dim
        self.channels = tuple(channels)
        self.strides = tuple(strides)
        self.mean = (float(mean[0]), float(mean[1]), float(mean[2]))
        self.std = (float(std[0]), float(std[1]), float(std[2]))
        self.licence = licence
        # Buffers so that they follow .to(device); not persistent because the checkpoint's
        # metadata holds them already and two sources could disagree.
        self.register_buffer("_mean", torch.tensor(self.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(self.std).view(3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` RGB in [0, 1] -> the same shape as the image tower was trained on."""
        return (images - self._mean) / self._std

    @abstractmethod
    def forward(self, images: Tensor) -> ImageFeatures:
        """Encode photos.

        Args:
            images: ``(B, 3, H, W)`` float RGB in [0, 1], NOT normalised; H and W are multiples of
                the coarsest stride.
        """

    def forward_maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """The maps alone; a tower that can skip its global head overrides this."""
        features: ImageFeatures = self(images)
        return features.maps

    def dense(self, images: Tensor) -> Tensor:
        """What each place of a photo is: ``(1, 3, H, W)`` -> ``(D, h, w)`` unit vectors.

        They lie in the CLIP space, to be compared with ``encode_text``.
        """
        features: ImageFeatures = self(images)
        return F.normalize(features.maps[-1][0], dim=0)

    @abstractmethod
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``(N, D)`` float32 unit vectors on the model's device; N may be 0."""
