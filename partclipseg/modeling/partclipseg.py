"""The five parts put together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from partclipseg.clip.backbone import Backbone
from partclipseg.clip.embeddings import TextEmbeddings
from partclipseg.modeling.adapter import CLIP2PartSeg, PartFeatures
from partclipseg.modeling.config import ModelConfig
from partclipseg.modeling.mask_decoder import MaskDecoder
from partclipseg.modeling.prompt_encoder import STRIDE, PromptBatch, PromptEncoder
from partclipseg.modeling.recognition import Part2CLIP

TEMPLATES = (
    "a photo of the {}.",
    "a close-up photo of the {}.",
    "a cropped photo of the {}.",
    "{}",
)


class PartCLIPSeg(nn.Module):
    """CLIP tower -> CLIP2PartSeg -> (prompt encoder -> mask decoder), Part2CLIP.

    Attributes:
        config: the architecture; ``name`` is what users call the model.
        metadata: what the checkpoint says of itself (training data, licences, numbers).
    """

    def __init__(self, backbone: Backbone, config: ModelConfig, name: str = "") -> None:
        super().__init__()
        self.config = config
        self.name = name or backbone.name
        self.metadata: dict[str, Any] = {}
        self.backbone = backbone
        self.adapter = CLIP2PartSeg(
            backbone.channels, backbone.strides, config.embed_dim, config.adapter
        )
        self.prompt_encoder = PromptEncoder(
            config.decoder.width, config.embed_dim, config.adapter.width
        )
        self.mask_decoder = MaskDecoder(
            config.adapter.width, config.adapter.fine_width, config.decoder
        )
        self.part2clip = Part2CLIP()
        self.text_embeddings = TextEmbeddings(backbone)
        self._foreign: tuple[Backbone, TextEmbeddings] | None = None

    @classmethod
    def from_pretrained(cls, name: str, **options: Any) -> "PartCLIPSeg":
        """A model from a folder or from ``owner/name``: see ``sharing.from_pretrained``."""
        from partclipseg.modeling import sharing

        return sharing.from_pretrained(name, **options)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the model to a folder: see ``sharing.save_pretrained``."""
        from partclipseg.modeling import sharing

        return sharing.save_pretrained(self, folder)

    def push_to_hub(self, repo: str, **options: Any) -> str:
        """Upload the model to the Hugging Face Hub: see ``sharing.push_to_hub``."""
        from partclipseg.modeling import sharing

        return sharing.push_to_hub(self, repo, **options)

    def recognize_with(self, backbone: Backbone) -> None:
        """Let another CLIP decide names and similarities; masks stay this model's own."""
        self._foreign = (backbone.eval(), TextEmbeddings(backbone))

    @property
    def recognizer(self) -> Backbone | None:
        """The CLIP that ``recognize_with`` brought in."""
        return self._foreign[0] if self._foreign else None

    def foreign_embeddings(self, phrases: Sequence[str]) -> Tensor:
        """Phrases in the space of ``recognizer``: ``(N, D')`` unit vectors.

        The mean over ``TEMPLATES``, as CLIP's authors prompt it (Radford et al. 2021).
        """
        if self._foreign is None:
            raise ValueError("There is no other CLIP to embed with.")
        worded = [t.format(phrase) for phrase in phrases for t in TEMPLATES]
        vectors = self._foreign[1](worded)
        return F.normalize(vectors.unflatten(0, (len(phrases), len(TEMPLATES))).mean(1), dim=-1)

    def encode(self, images: Tensor) -> tuple[PartFeatures, Tensor]:
        """Photos ``(B, 3, H, W)`` in [0, 1], sides multiples of 32 -> maps, global ``(B, D)``."""
        features = self.backbone(images)
        return self.adapter(features.maps), features.embedding

    def decode(
        self, features: PartFeatures, prompts: PromptBatch, owner: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mask logits ``(P, 3, H/4, W/4)`` and predicted IoU ``(P, 3)`` for P prompts.

        Args:
            features: of one photo (batch 1, shared by all prompts), or of several.
            owner: (P,) int64, which photo each prompt is for; needed where there are several.
        """
        if owner is not None:
            features = PartFeatures(*(m[owner] for m in features))
        tokens, present, dense, guide, grid = self._encoded_prompts(features, prompts)
        maps = (features.coarse, features.middle, features.fine)
        return self.mask_decoder(maps, grid, tokens, present, dense, guide)

    def predict_iou(self, features: PartFeatures, prompts: PromptBatch) -> Tensor:
        """The predicted IoU ``(P, 3)`` alone, as ``decode`` gives it and much cheaper."""
        tokens, present, dense, _, grid = self._encoded_prompts(features, prompts)
        state, _ = self.mask_decoder.attend(features.coarse, grid, tokens, present, dense)
        return self.mask_decoder.predicted_iou(state)

    def decode_promising(
        self, features: PartFeatures, prompts: PromptBatch, least: float
    ) -> tuple[Tensor, Tensor]:
        """``decode`` for prompts on one photo, without those that no good mask is predicted for.

        Args:
            least: a prompt stays if one of its masks has a predicted IoU above this.

        Returns:
            as ``decode``, in the prompts' order, for those that stay.
        """
        tokens, present, dense, guide, grid = self._encoded_prompts(features, prompts)
        state, image = self.mask_decoder.attend(features.coarse, grid, tokens, present, dense)
        iou = self.mask_decoder.predicted_iou(state)
        stay = iou.amax(1) > least
        masks = self.mask_decoder.masks(
            state[stay], image[stay], features.middle, features.fine, guide[stay]
        )
        return masks, iou[stay]

    def _encoded_prompts(self, features: PartFeatures, prompts: PromptBatch) -> tuple[Tensor, ...]:
        height, width = features.coarse.shape[-2:]
        grid = self.prompt_encoder.positions.grid(height, width, STRIDE)
        return (*self.prompt_encoder(prompts, features), grid)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.part2clip.part_scale.device


def build(config: ModelConfig) -> PartCLIPSeg:
    """Make the model that ``config`` describes, with random weights."""
    if config.backbone == "lite":
        from partclipseg.clip.lite import LiteCLIP

        return PartCLIPSeg(LiteCLIP(), config)
    from partclipseg.clip.hub import load_open_clip

    return PartCLIPSeg(load_open_clip(config.backbone), config)
