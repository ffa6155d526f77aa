"""A photo after the towers: frozen, shareable between threads, the unit of caching."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from partclipseg.geometry import Frame
from partclipseg.images import Photo
from partclipseg.modeling.adapter import PartFeatures
from partclipseg.modeling.partclipseg import PartCLIPSeg

CROPS_KEPT = 4


@dataclass(frozen=True)
class Encoding:
    """One look at a photo or at a crop of it.

    Attributes:
        frame: from the pixels of the look to the model's grid.
        features: ``PartFeatures`` of batch 1.
        embedding: ``(D,)`` global unit vector.
        origin: (x, y) of the look's upper left corner, pixels of the photo.
        foreign: ``(D', h, w)`` unit vectors of a hub CLIP that names the masks, if one does.
    """

    frame: Frame
    features: PartFeatures
    embedding: Tensor
    origin: tuple[int, int] = (0, 0)
    foreign: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the maps in bytes."""
        return sum(m.numel() * m.element_size() for m in self.features)


@dataclass(frozen=True)
class EncodedPhoto:
    """A photo and its encoding, with the last second looks at crops.

    Nothing in it changes what a caller sees: crops are only kept so as not to be computed twice.
    """

    photo: Photo
    full: Encoding
    model: PartCLIPSeg = field(repr=False)
    encode_ms: float = 0.0
    _crops: OrderedDict[tuple[int, int, int, int], Encoding] = field(
        default_factory=OrderedDict, repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the photo, pixels."""
        return self.photo.width, self.photo.height

    @property
    def nbytes(self) -> int:
        """Upper bound of the memory held in bytes: photo, maps, and as many crops as are kept."""
        return self.photo.array.nbytes + self.full.nbytes * (1 + CROPS_KEPT)

    def look(self, box: tuple[int, int, int, int]) -> Encoding:
        """A second, closer look at a box (x0, y0, x1, y1), integer pixels of the photo."""
        with self._lock:
            if box in self._crops:
                self._crops.move_to_end(box)
                return self._crops[box]
        x0, y0, x1, y1 = box
        made = encode_pixels(self.model, self.photo.array[y0:y1, x0:x1], (x0, y0))
        with self._lock:
            self._crops[box] = made
            while len(self._crops) > CROPS_KEPT:
                self._crops.popitem(last=False)
        return made


@torch.inference_mode()
def encode_pixels(
    model: PartCLIPSeg, pixels: np.ndarray, origin: tuple[int, int] = (0, 0)
) -> Encoding:
    """(H, W, 3) uint8 RGB -> maps of the whole model."""
    height, width = pixels.shape[:2]
    frame = Frame.fit(width, height, model.config.image_size)
    grid = torch.from_numpy(np.ascontiguousarray(frame.image_to_model(pixels)))
    images = grid.permute(2, 0, 1)[None].to(model.device).float().div_(255)
    features, embedding = model.encode(images.contiguous(memory_format=torch.channels_last))
    foreign = None
    if model.recognizer is not None:
        foreign = model.recognizer.dense(images)
    return Encoding(frame, features, embedding[0], origin, foreign)
