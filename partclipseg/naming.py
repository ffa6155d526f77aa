"""Words against pixels: which of the asked objects are there, and where their parts are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from partclipseg.clip.embeddings import TextEmbeddings
from partclipseg.encoding import EncodedPhoto, Encoding
from partclipseg.modeling.layers import upsample_convex
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.modeling.recognition import similarity_maps

# An object counts as found when its surest cells, this share of the photo, believe in it.
SUREST_SHARE = 0.004
# A second look pays when the object's box is at most this share of the photo's long side.
ZOOM_BELOW = 0.75
ZOOM_MARGIN = 0.15


@dataclass(frozen=True)
class Evidence:
    """Probability maps of some names over the photo.

    Attributes:
        maps: (K, H, W) float32 in [0, 1], at the photo's size.
        presence: (K,) the mean of the surest cells, before any look at shape.
    """

    maps: np.ndarray
    presence: np.ndarray


def object_probability(model: PartCLIPSeg, look: Encoding, text: Tensor) -> Tensor:
    """Probability of each object at each cell: ``(N, D)`` -> ``(N, H/4, W/4)``."""
    features = look.features
    cosine = similarity_maps(features.object[0], text)
    fine = upsample_convex(cosine[None], features.edges)[0]
    return model.part2clip.object_logits(fine).sigmoid()


def part_logits(model: PartCLIPSeg, look: Encoding, text: Tensor) -> Tensor:
    """Logits of part names against "none of these" = 0: ``(N, D)`` -> ``(N, H/4, W/4)``."""
    features = look.features
    cosine = similarity_maps(features.part[0], text)
    return model.part2clip.part_logits(upsample_convex(cosine[None], features.edges)[0])


def with_none(logits: Tensor) -> Tensor:
    """Softmax over names and "none": ``(N, h, w)`` -> probabilities of the names."""
    return torch.cat([logits, torch.zeros_like(logits[:1])]).softmax(0)[:-1]


def presence(probability: Tensor) -> Tensor:
    """How sure the surest cells are: ``(N, h, w)`` -> ``(N,)``."""
    flat = probability.flatten(1)
    count = max(4, int(SUREST_SHARE * flat.shape[1]))
    return flat.topk(min(count, flat.shape[1]), dim=1).values.mean(1)


def to_photo(look: Encoding, maps: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Maps of a look -> (K, H, W) float32 on the photo of ``size`` (width, height), 0 outside."""
    width, height = size
    x, y = look.origin
    out = np.zeros((len(maps), height, width), np.float32)
    for row, values in zip(out, maps.cpu().numpy(), strict=True):
        placed = look.frame.map_to_photo(np.ascontiguousarray(values, np.float32))
        row[y : y + placed.shape[0], x : x + placed.shape[1]] = placed
    return out


def zoom_box(region: np.ndarray) -> tuple[int, int, int, int] | None:
    """The box of a second look at an (H, W) bool region, or None where it would gain nothing."""
    height, width = region.shape
    columns, rows = np.flatnonzero(region.any(0)), np.flatnonzero(region.any(1))
    if not len(columns):
        return None
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    long = max(x1 - x0, y1 - y0)
    if long > ZOOM_BELOW * max(width, height):
        return None
    pad = max(8, round(ZOOM_MARGIN * long))
    x0, y0 = max(0, x0 - pad), max(0, y0 - pad)
    x1, y1 = min(width, x1 + pad), min(height, y1 + pad)
    if min(x1 - x0, y1 - y0) < 16:
        return None
    return int(x0), int(y0), int(x1), int(y1)


class Namer:
    """Finds objects and their parts by name on encoded photos."""

    def __init__(self, model: PartCLIPSeg, embed: TextEmbeddings) -> None:
        self.model, self.embed = model, embed

    def objects(self, photo: EncodedPhoto, names: Sequence[str]) -> Evidence:
        """Where each object is."""
        probability = object_probability(self.model, photo.full, self.embed(names))
        size = (photo.photo.width, photo.photo.height)
        return Evidence(to_photo(photo.full, probability, size), presence(probability).numpy())

    def parts(self, photo: EncodedPhoto, owner: str, parts: Sequence[str]) -> Evidence:
        """Where an object's parts are: softmax over parts and none, times the object's own map."""
        name = self.embed([owner])
        text = self.embed([f"{part} of a {owner}" for part in parts])
        size = (photo.photo.width, photo.photo.height)
        gate = object_probability(self.model, photo.full, name)
        found = presence(gate)[0]
        region = to_photo(photo.full, gate, size)[0] > 0.5
        box = zoom_box(region) if found > 0.5 else None
        inside = with_none(part_logits(self.model, photo.full, text)) * gate
        maps = to_photo(photo.full, inside, size)
        if box is not None:
            look = photo.look(box)
            closer = with_none(part_logits(self.model, look, text))
            closer = closer * object_probability(self.model, look, name)
            # Both looks vote inside the crop: the whole photo knows the object, the crop the edges.
            x0, y0, x1, y1 = box
            window = np.s_[:, y0:y1, x0:x1]
            maps[window] = 0.5 * maps[window] + 0.5 * to_photo(look, closer, size)[window]
        return Evidence(maps, np.full(len(parts), float(found), np.float32))

    def words(self, photo: EncodedPhoto, words: Sequence[str]) -> Evidence:
        """Words that stand alone may name a part or an object; the surer reading counts."""
        text = self.embed(words)
        as_part = part_logits(self.model, photo.full, text).sigmoid()
        as_object = object_probability(self.model, photo.full, text)
        part_sure, object_sure = presence(as_part), presence(as_object)
        chosen = torch.where((object_sure >= part_sure)[:, None, None], as_object, as_part)
        size = (photo.photo.width, photo.photo.height)
        return Evidence(
            to_photo(photo.full, chosen, size), torch.maximum(part_sure, object_sure).numpy()
        )

    def compete(
        self, photo: EncodedPhoto, region: np.ndarray, owner: str, parts: Sequence[str]
    ) -> np.ndarray:
        """Every pixel of an (H, W) bool region gets one of the parts: (H, W) int16, -1 outside."""
        text = self.embed([f"{part} of a {owner}" for part in parts])
        size = (photo.photo.width, photo.photo.height)
        votes = to_photo(
            photo.full, part_logits(self.model, photo.full, text).softmax(0), size
        )
        box = zoom_box(region)
        if box is not None:
            look = photo.look(box)
            votes += to_photo(look, part_logits(self.model, look, text).softmax(0), size)
        return np.where(region, votes.argmax(0), -1).astype(np.int16)
