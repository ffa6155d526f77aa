"""The bundled CLIP: an EfficientNet-Lite2 image tower and a small text transformer.

It is an open_clip model like any other: its config is registered with
``open_clip.add_model_config`` and ``open_clip.create_model`` builds it. Weights come from a
PartCLIPSeg checkpoint, never from a download.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from partclipseg.clip.backbone import Backbone, ImageFeatures
from partclipseg.clip.text import encode_tokens

MODEL_NAME = "partclipseg-lite"
CONFIG_FILE = Path(__file__).parent / "configs" / f"{MODEL_NAME}.json"
# timm numbers the stages by reduction 2, 4, 8, 16, 32; the map at stride 2 is of no use here.
STAGES = (1, 2, 3, 4)


class LiteCLIP(Backbone):
    """``partclipseg-lite`` with maps at strides 4, 8, 16, 32 (24, 48, 120, 352 channels).

    Attributes:
        clip: the open_clip dual encoder.
        tokenizer: CLIP's byte-pair tokenizer; its vocabulary ships inside open_clip.
    """

    def __init__(self) -> None:
        import open_clip

        open_clip.add_model_config(CONFIG_FILE)
        # open_clip warns that the weights are random: they are about to come from the checkpoint.
        root, level = logging.getLogger(), logging.getLogger().level
        root.setLevel(logging.ERROR)
        try:
            clip = open_clip.create_model(MODEL_NAME)
            tokenizer = open_clip.get_tokenizer(MODEL_NAME)
        finally:
            root.setLevel(level)
        info = clip.visual.trunk.feature_info
        super().__init__(
            name="lite",
            embed_dim=clip.text.text_projection.shape[1],
            channels=[info[i]["num_chs"] for i in STAGES],
            strides=[info[i]["reduction"] for i in STAGES],
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            licence="Apache-2.0 code; weights under the research-only terms in the model card",
        )
        self.clip: Any = clip
        self.tokenizer = tokenizer

    def forward_maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """The maps alone, ``(B, C_i, H/stride_i, W/stride_i)``: what segmentation needs."""
        return tuple(
            self.clip.visual.trunk.forward_intermediates(
                self.normalise(images), indices=list(STAGES), intermediates_only=True
            )
        )

    def forward(self, images: Tensor) -> ImageFeatures:
        """See ``Backbone.forward``; the embedding is open_clip's own ``encode_image``."""
        trunk = self.clip.visual.trunk
        final, maps = trunk.forward_intermediates(self.normalise(images), indices=list(STAGES))
        embedding = self.clip.visual.head(trunk.forward_head(final))
        return ImageFeatures(tuple(maps), F.normalize(embedding, dim=-1))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """See ``Backbone.encode_text``; texts longer than 32 tokens are cut."""
        if not texts:
            return torch.zeros(0, self.embed_dim, device=self._mean.device)
        tokens = self.tokenizer(list(texts)).to(self._mean.device)
        return encode_tokens(self.clip.text, tokens)
