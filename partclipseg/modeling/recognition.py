"""Part2CLIP: masks back into CLIP space, and names scored against pixels or masks.

A name enters only as its text embedding. The similarity is the plain cosine; probabilities come
from scaled cosines against a learned threshold, the explicit "none of these".
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST_SCALE = 4.6  # logarithm of CLIP's own limit, 100


class Part2CLIP(nn.Module):
    """Masked pooling of dense CLIP vectors, and the scales that turn cosines into logits."""

    def __init__(self) -> None:
        super().__init__()
        # exp(4.1) = 60: "front door" and "rear door" have a cosine of 0.8, so small differences
        # have to count. Thresholds begin where the cosines of unrelated names end.
        self.part_scale = nn.Parameter(torch.tensor(4.1))
        self.part_none = nn.Parameter(torch.tensor(0.2))
        self.object_scale = nn.Parameter(torch.tensor(3.7))
        self.object_none = nn.Parameter(torch.tensor(0.2))

    @staticmethod
    def pool(dense: Tensor, masks: Tensor) -> Tensor:
        """Mean vector under each soft mask, unit length.

        Args:
            dense: ``(D, h, w)`` unit vectors.
            masks: ``(M, h, w)`` weights >= 0.

        Returns:
            ``(M, D)`` unit vectors (zeros for an empty mask).
        """
        return F.normalize(masks.flatten(1) @ dense.flatten(1).T, dim=-1)

    def part_logits(self, cosine: Tensor) -> Tensor:
        """Cosines with part names -> logits in which "none of these" is 0."""
        return self.part_scale.clamp(max=LARGEST_SCALE).exp() * (cosine - self.part_none)

    def object_logits(self, cosine: Tensor) -> Tensor:
        """Cosines with object names -> logit that the object is there (0 = undecided)."""
        return self.object_scale.clamp(max=LARGEST_SCALE).exp() * (cosine - self.object_none)


def similarity_maps(dense: Tensor, text: Tensor) -> Tensor:
    """Cosine of every cell with every name: ``(D, h, w)``, ``(N, D)`` -> ``(N, h, w)``."""
    return torch.einsum("dhw,nd->nhw", dense, text)
