"""What one might try instead, behind the same door as the model, so that evaluation can ask it.

========  =====================================================================================
maskclip  the CLIP tower alone: each place is pooled and projected as if it were the whole photo
          and compared with the names (MaskCLIP, Zhou et al., ECCV 2022)
slic      SLIC superpixels (Achanta et al., 2012), each named as a mask by Part2CLIP
walker    clicks alone: the random walker (Grady, 2006) on colours; it knows no words
probe     one linear layer a set on the frozen tower's maps, trained on the set's own names: what
          a closed vocabulary would reach (see ``probe``)
========  =====================================================================================

``slic`` and ``walker`` need scikit-image, from requirements-train.txt.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch.nn import functional as F

from partclipseg import images, prompts
from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.evaluation.metrics import Mask
from partclipseg.geometry import Frame
from partclipseg.prompts import Query
from partclipseg.results import Labels, PartMask, Segmentation

if TYPE_CHECKING:
    from partclipseg.modeling.partclipseg import PartCLIPSeg
    from partclipseg.predictor import PartPredictor

BASELINES = ("maskclip", "slic", "walker", "probe")
SEGMENTS = 150  # superpixels a photo
WALKER_SIDE = 256  # pixels, the long side that the random walker works at
WALKER_BETA = 130.0  # how firmly edges stop it, scikit-image's default
CLICK_RADIUS = 2  # pixels at that size

Scores = NDArray[np.float32]
"""``(N, H, W)`` at the photo's size, one map a name."""


@dataclass(frozen=True)
class Seen:
    """A photo and what a baseline has worked out of it once."""

    photo: images.Photo
    data: Any


class Pixels(ABC):
    """A baseline whose answers all come from one score a pixel and name."""

    name: str
    scale = 1.0
    """Scores times this are logits."""

    @abstractmethod
    def encode(self, image: Any) -> Seen:
        """Read a photo and work out what every question needs."""

    @abstractmethod
    def scores(self, photo: Seen, queries: Sequence[Query]) -> Scores:
        """How well each name fits each pixel."""

    @abstractmethod
    def nothing(self, photo: Seen) -> NDArray[np.float32] | float:
        """The score that "none of these" has: ``(H, W)``, or one for all pixels."""

    def compete(
        self, region: Mask, object: str, parts: Sequence[str], *, photo: Seen
    ) -> NDArray[np.int16]:
        """As ``PartPredictor.compete``."""
        maps = self.scores(photo, [Query(object, part) for part in parts])
        return np.where(region, maps.argmax(0), -1).astype(np.int16)

    def segment(self, text: str, *, photo: Seen) -> Segmentation:
        """As ``PartPredictor.segment``: pixels go to the best name, or to none of them."""
        queries = [query for query in prompts.parse(text).queries if query.sign > 0]
        maps = self.scores(photo, queries)
        winner = np.where(maps.max(0) > self.nothing(photo), maps.argmax(0), -1)
        parts = [
            PartMask.from_mask(winner == i, label=q.label, object=q.object, part=q.part)
            for i, q in enumerate(queries)
            if (winner == i).any()
        ]
        return _segmentation(self.name, photo, parts)

    def predict(self, points: Any, point_labels: Any, *, mask: Any, photo: Seen) -> Segmentation:
        """These baselines know words only."""
        raise InputError(f"The baseline {self.name} takes no clicks; walker does.")

    def label(self, masks: Any, names: Sequence[str], *, photo: Seen) -> Labels:
        """As ``PartPredictor.label``: the mean score under each mask."""
        maps = self.scores(photo, [prompts.parse(name).queries[0] for name in names])
        means = np.stack([maps[:, np.asarray(mask, bool)].mean(1) for mask in masks])
        return Labels(tuple(names), means, softmax(self.scale * means, axis=1))


class MaskClip(Pixels):
    """Dense CLIP similarity; "background" is a name like the others."""

    def __init__(self, model: "PartCLIPSeg") -> None:
        from partclipseg.clip.lite import LiteCLIP
        from partclipseg.clip.towers import wrap

        backbone = model.backbone
        if not isinstance(backbone, LiteCLIP):
            raise InputError("The baseline maskclip is made for the bundled tower, lite.")
        self.name = f"maskclip ({model.name})"
        self.model = model
        self.tower = wrap(backbone.clip.visual, backbone.embed_dim)
        self.scale = float(backbone.clip.logit_scale.exp())

    @torch.inference_mode()
    def encode(self, image: Any) -> Seen:
        photo = images.read(image)
        frame, pixels = framed(photo, self.model)
        maps, _ = self.tower(self.model.backbone.normalise(pixels))
        return Seen(photo, (frame, F.normalize(maps[-1][0], dim=0)))

    def scores(self, photo: Seen, queries: Sequence[Query]) -> Scores:
        return self._similarity(photo, [query.text for query in queries])

    def nothing(self, photo: Seen) -> NDArray[np.float32]:
        return self._similarity(photo, ["background"])[0]

    @torch.inference_mode()
    def _similarity(self, photo: Seen, phrases: Sequence[str]) -> Scores:
        frame, dense = photo.data
        maps = torch.einsum("dhw,nd->nhw", dense, self.model.text_embeddings(phrases))
        return np.stack([frame.map_to_photo(row.cpu().numpy()) for row in maps])


class Superpixels(Pixels):
    """Colour decides where the borders are, Part2CLIP what lies between them."""

    def __init__(self, predictor: "PartPredictor") -> None:
        self.predictor = predictor
        self.name = f"slic ({predictor.name})"
        self.segments = skimage().slic

    def encode(self, image: Any) -> Seen:
        encoded = self.predictor.encode(image)
        pieces = self.segments(encoded.photo.array, n_segments=SEGMENTS, start_label=0)
        _, pieces = np.unique(pieces, return_inverse=True)
        return Seen(encoded.photo, (encoded, pieces.reshape(encoded.photo.array.shape[:2])))

    @torch.inference_mode()
    def scores(self, photo: Seen, queries: Sequence[Query]) -> Scores:
        encoded, pieces = photo.data
        masks = [pieces == i for i in range(int(pieces.max()) + 1)]
        labels = self.predictor.label(masks, [_quoted(query) for query in queries], photo=encoded)
        cosine = torch.from_numpy(labels.similarities)
        head = self.predictor.model.part2clip
        whole = torch.tensor([query.part is None for query in queries])
        logits = torch.where(whole, head.object_logits(cosine), head.part_logits(cosine)).numpy()
        return np.moveaxis(logits[pieces], -1, 0)

    def nothing(self, photo: Seen) -> float:
        return 0.0

    def label(self, masks: Any, names: Sequence[str], *, photo: Seen) -> Labels:
        """Given masks need no superpixels: this is Part2CLIP itself."""
        return self.predictor.label(masks, names, photo=photo.data[0])


class Walker(Pixels):
    """Clicks spread over like colours; the photo's border counts as outside of every part."""

    name = "walker"

    def __init__(self) -> None:
        self.walk = skimage().random_walker

    def encode(self, image: Any) -> Seen:
        photo = images.read(image)
        side = min(WALKER_SIDE, max(photo.width, photo.height))
        frame = Frame.fit(photo.width, photo.height, side, 1)
        return Seen(photo, (frame, frame.image_to_model(photo.array) / 255.0))

    def predict(self, points: Any, point_labels: Any, *, mask: Any, photo: Seen) -> Segmentation:
        """One mask for all clicks together; the last mask is not used."""
        frame, small = photo.data
        height, width = small.shape[:2]
        seeds = np.zeros((height, width), np.int32)
        seeds[[0, -1], :] = seeds[:, [0, -1]] = 2
        ys, xs = np.mgrid[:height, :width]
        for (x, y), label in zip(frame.points_to_model(points), point_labels, strict=True):
            seeds[np.hypot(xs - x, ys - y) <= CLICK_RADIUS] = 1 if label else 2
        inside = self.walk(
            small, seeds, beta=WALKER_BETA, mode="cg_j", channel_axis=-1, return_full_prob=True
        )[0]
        found = frame.map_to_photo(inside.astype(np.float32)) > 0.5
        parts = [PartMask.from_mask(found, label="")] if found.any() else []
        return _segmentation(self.name, photo, parts)

    def scores(self, photo: Seen, queries: Sequence[Query]) -> Scores:
        raise InputError("The baseline walker knows no words; use it with the protocol click.")

    def nothing(self, photo: Seen) -> float:
        return 0.0


def framed(photo: images.Photo, model: "PartCLIPSeg") -> tuple[Frame, torch.Tensor]:
    """A photo as the model's tower takes it: its frame, and ``(1, 3, H, W)`` in [0, 1]."""
    frame = Frame.fit(photo.width, photo.height, model.config.image_size)
    grid = torch.from_numpy(np.ascontiguousarray(frame.image_to_model(photo.array)))
    return frame, grid.permute(2, 0, 1)[None].to(model.device).float().div_(255)


def skimage() -> Any:
    """``skimage.segmentation``. Raises PartCLIPSegError where scikit-image is missing."""
    try:
        from skimage import segmentation
    except ImportError as error:
        raise PartCLIPSegError(
            "This baseline needs scikit-image: pip install -r requirements-train.txt"
        ) from error
    return segmentation


def _quoted(query: Query) -> str:
    """A query in the prompt language, so that signs in its names are not taken for its own."""
    name = "" if query.object is None else f'"{query.object}": '
    return name + ("" if query.part is None else f'"{query.part}"')


def _segmentation(name: str, photo: Seen, parts: Sequence[PartMask]) -> Segmentation:
    return Segmentation(
        image=photo.photo.name,
        width=photo.photo.width,
        height=photo.photo.height,
        model=name,
        parts=tuple(parts),
        messages=(),
        timings={},
    )
