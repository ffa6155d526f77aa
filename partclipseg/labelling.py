"""What is under a mask: Part2CLIP against the whole vocabulary, and object by object."""

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from partclipseg import vocabulary
from partclipseg.clip.backbone import Backbone
from partclipseg.decoding import mean_vectors
from partclipseg.encoding import EncodedPhoto
from partclipseg.errors import InputError
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.modeling.recognition import LARGEST_SCALE, Part2CLIP, similarity_maps
from partclipseg.naming import FOREIGN_SHARPNESS, MaskName, Namer
from partclipseg.prompts import Query
from partclipseg.vocabulary import Vocabulary
from partclipseg.vocabulary.cache import EmbeddingCache, fingerprint

OBJECTS = 3  # objects whose parts are tried
EXTENT_WEIGHT = 0.5  # in cosines: what a name loses on a mask far from its extent
LOOKED_FOR = 12  # objects whose extent is looked at
BATCH = 256


@dataclass(frozen=True)
class Guesses:
    """What a mask may be called, best first.

    Attributes:
        names: among all names of the vocabulary at once; probabilities over all of them.
        objects: what it is or belongs to; probabilities over everyday objects that have parts.
        parts: those objects and their parts; probabilities of object and part together.
    """

    names: tuple[MaskName, ...]
    objects: tuple[MaskName, ...]
    parts: tuple[MaskName, ...]


class Labeller:
    """Labels masks with a vocabulary; one may be shared by all threads.

    The first use embeds all names, which takes a minute on a processor; ``prepare`` does that
    beforehand. Embeddings are kept in memory, and on disk for the next start.

    Attributes:
        objects: everyday names with parts, which are tried before their parts are.

    Args:
        model: whose text tower reads the names: the hub CLIP's if one names the masks.
        names: the vocabulary; None for the bundled one.
        cache: where embeddings are kept on disk; None for the user's cache folder.
    """

    def __init__(
        self,
        model: PartCLIPSeg,
        names: Vocabulary | None = None,
        cache: EmbeddingCache | None = None,
    ) -> None:
        self.vocabulary = names or vocabulary.load()
        self.cache = cache or EmbeddingCache()
        # The model keeps its labeller alive (see ``labeller``), so that must not keep the model.
        self._model = weakref.ref(model)
        places = {name: i for i, name in enumerate(self.vocabulary.names)}
        # Rare objects with a part or two of their own only distract.
        everyday = set(self.vocabulary.everyday)
        self.objects = tuple(name for name in self.vocabulary.roots if name in everyday)
        self._objects = torch.tensor([places[name] for name in self.objects], dtype=torch.long)
        self._lock = threading.Lock()
        self._embeddings: dict[Backbone, Tensor] = {}

    @property
    def model(self) -> PartCLIPSeg:
        model = self._model()
        if model is None:
            raise ReferenceError("The model of this labeller is gone.")
        return model

    def prepare(self, progress: Callable[[float], None] | None = None) -> Tensor:
        """Embed all names unless that is done: ``(N, D)`` unit vectors in the names' order.

        Args:
            progress: called with the share that is done, now and then.
        """
        backbone = self.model.recognizer or self.model.backbone
        with self._lock:
            if backbone not in self._embeddings:
                found = self._load(backbone, progress)
                self._embeddings = {backbone: found.to(self.model.device)}
            return self._embeddings[backbone]

    def _load(self, backbone: Backbone, progress: Callable[[float], None] | None) -> Tensor:
        names = self.vocabulary.names
        key = fingerprint(text_weights(backbone), names)
        shape = (len(names), backbone.embed_dim)
        stored = self.cache.read(key, shape)
        if stored is None:
            # Half precision as on disk, so that the first start answers as all later ones do.
            stored = embed(backbone, names, progress).cpu().numpy().astype(np.float16)
            self.cache.write(key, stored)
        return F.normalize(torch.from_numpy(stored).float(), dim=-1)

    @torch.inference_mode()
    def guess(self, photo: EncodedPhoto, mask: np.ndarray, limit: int = 10) -> Guesses:
        """What the pixels under a mask are called.

        Args:
            mask: (H, W) bool at the photo's size.
            limit: how many names of each sort.

        Raises:
            InputError: a mask of another size, or an empty one.
        """
        text = self.prepare()
        cover = self._cover(photo, mask)
        as_part, as_object = self._cosines(photo, cover, text)
        part_scale, object_scale = self._scales()
        names = self.vocabulary.names
        as_whole = self._as_whole(photo, cover, as_object, text)
        flat = likeliest(torch.maximum(as_part, as_whole), part_scale, limit)
        gate = likeliest(as_object[self._objects.to(text.device)], object_scale, limit)
        objects = tuple(MaskName(Query(self.objects[i], None), *numbers) for i, *numbers in gate)
        cosine = torch.where(as_part >= as_whole, as_part, as_object)
        return Guesses(
            names=tuple(
                MaskName(Query(None, names[i]), float(cosine[i]), share) for i, _, share in flat
            ),
            objects=objects,
            parts=self._within(photo, cover, objects[:OBJECTS], limit),
        )

    def _scales(self) -> tuple[float, float]:
        """What turns cosines with parts and with objects into logits."""
        if self.model.recognizer is not None:
            return FOREIGN_SHARPNESS, FOREIGN_SHARPNESS
        learned = self.model.part2clip
        scales = torch.stack([learned.part_scale, learned.object_scale])
        part, whole = scales.clamp(max=LARGEST_SCALE).exp().tolist()
        return part, whole

    def _cover(self, photo: EncodedPhoto, mask: np.ndarray) -> Tensor:
        mask = np.asarray(mask)
        width, height = photo.size
        if mask.shape != (height, width):
            raise InputError(
                f"The mask is {mask.shape}, the photo is {height} x {width} (height x width); "
                "they must be of the same size."
            )
        if not mask.astype(bool).any():
            raise InputError("The mask is empty; mark at least a few pixels.")
        return torch.from_numpy(photo.full.frame.mask_to_model(mask.astype(bool)))[None]

    def _cosines(self, photo: EncodedPhoto, cover: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines with all names read as parts and as objects, (N,) each."""
        foreign = photo.full.foreign
        if self.model.recognizer is not None and foreign is not None:
            small = F.interpolate(cover[None], size=foreign.shape[-2:], mode="area")[0]
            cosine = (Part2CLIP.pool(foreign, small.to(text.device)) @ text.T)[0]
            return cosine, cosine
        features = photo.full.features
        masks = cover.to(text.device)
        # One product for both readings: what takes time is passing all names through memory.
        vectors = [mean_vectors(m[0], masks) for m in (features.part, features.object)]
        as_part, as_object = torch.cat(vectors) @ text.T
        return as_part, as_object

    def _as_whole(
        self, photo: EncodedPhoto, cover: Tensor, as_object: Tensor, text: Tensor
    ) -> Tensor:
        """Cosines with names of objects less what they lose where the mask is not all of it: (N,).

        A wheel is as similar to "car" as the whole car is. Looking where an object ends costs more
        than its name, so only the most similar ones are looked for; the rest lose all.
        """
        if self.model.recognizer is not None:
            return as_object
        dense = photo.full.features.object[0]
        top = as_object.topk(min(LOOKED_FOR, len(as_object))).indices
        extent = self.model.part2clip.object_logits(similarity_maps(dense, text[top])) > 0
        mask = F.avg_pool2d(cover.to(text.device)[None], 2).flatten()
        inside = extent.flatten(1).float()
        both = inside @ mask
        iou = both / (inside.sum(1) + mask.sum() - both).clamp(min=1)
        loss = torch.full_like(as_object, EXTENT_WEIGHT)
        loss[top] = EXTENT_WEIGHT * (1 - iou)
        return as_object - loss

    def _within(
        self, photo: EncodedPhoto, cover: Tensor, objects: Sequence[MaskName], limit: int
    ) -> tuple[MaskName, ...]:
        """The objects and their parts: an object first, then which part of it, or all of it."""
        found: list[MaskName] = []
        queries = [
            Query(owner.query.object, part)
            for owner in objects
            for part in (None, *self.vocabulary.parts_of(owner.query.object or ""))
        ]
        if not queries:
            return ()
        cosine, probability = Namer(self.model).compare(photo, cover, queries)
        for owner in objects:
            mine = [i for i, q in enumerate(queries) if q.object == owner.query.object]
            share = probability[0, mine] / probability[0, mine].sum()
            found += [
                MaskName(queries[i], float(cosine[0, i]), owner.probability * float(p))
                for i, p in zip(mine, share, strict=True)
            ]
        return tuple(sorted(found, key=lambda name: -name.probability)[:limit])


def likeliest(cosine: Tensor, scale: float, limit: int) -> list[tuple[int, float, float]]:
    """(index, cosine, probability over all) of the best of N names, by their cosines (N,)."""
    top = cosine.topk(min(max(0, limit), len(cosine)))
    probability = (scale * cosine).softmax(0)[top.indices]
    columns = (top.indices.tolist(), top.values.tolist(), probability.tolist())
    return list(zip(*columns, strict=True))


@torch.inference_mode()
def embed(
    backbone: Backbone, phrases: Sequence[str], progress: Callable[[float], None] | None = None
) -> Tensor:
    """Phrases -> ``(N, D)`` unit vectors in order; short ones go together, so none is padded much.

    Args:
        progress: called with the share that is done after every batch.
    """
    order = sorted(range(len(phrases)), key=lambda i: len(phrases[i]))
    vectors = torch.empty(len(phrases), backbone.embed_dim)
    for start in range(0, len(order), BATCH):
        chunk = order[start : start + BATCH]
        vectors[chunk] = backbone.encode_text([phrases[i] for i in chunk]).float().cpu()
        if progress:
            progress((start + len(chunk)) / len(order))
    return vectors


def text_weights(backbone: Backbone) -> dict[str, np.ndarray]:
    """Bytes of the weights that text embeddings depend on: all but the image tower's."""
    return {
        name: tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        for name, tensor in sorted(backbone.state_dict().items())
        if not {"visual", "tower"} & set(name.split("."))
    }


_lock = threading.Lock()
_labellers: weakref.WeakKeyDictionary[PartCLIPSeg, Labeller] = weakref.WeakKeyDictionary()


def labeller(model: PartCLIPSeg) -> Labeller:
    """The labeller of a model with the bundled vocabulary, made once and shared."""
    with _lock:
        if model not in _labellers:
            _labellers[model] = Labeller(model)
        return _labellers[model]
