"""Words against pixels: which of the asked objects are there, and where their parts are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from partclipseg import vocabulary
from partclipseg.clip.embeddings import TextEmbeddings
from partclipseg.decoding import mean_vectors
from partclipseg.encoding import EncodedPhoto, Encoding
from partclipseg.modeling.layers import upsample_convex
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.modeling.recognition import Part2CLIP, similarity_maps
from partclipseg.prompts import Query
from partclipseg.wording import embed_queries

# An object counts as found when its surest cells, this share of the photo, believe in it.
SUREST_SHARE = 0.004
# A second look pays when the object's box is at most this share of the photo's long side.
ZOOM_BELOW = 0.75
ZOOM_MARGIN = 0.15
SHARPNESS = 20.0  # of cosines that become probabilities over asked names
# In cosines: what an object's name loses on a mask that is not all of it, and what a part's name
# loses on a mask that lies elsewhere. A mask of a tenth of a car is never called the car.
WHOLE_WEIGHT, PART_WEIGHT = 1.0, 0.5
FOREIGN_SHARPNESS = 100.0  # CLIP's own logit scale
SAME_PART = 0.7  # cosine from which two part names may mean the same
CLEARLY = 3.0  # in logits: by how much an unasked part has to win a pixel
OUTSIDE = -20.0  # logit of what a look does not see


@dataclass(frozen=True)
class Evidence:
    """What the photo says of K names.

    Attributes:
        probability: (K, H, W) float32 at the photo's size; above 0.5 a name is more likely than
            "none of these" and its object more likely there than not.
        score: (K, H, W) float32, decides which name wins a pixel.
        presence: (K,) how sure the surest cells are.
    """

    probability: np.ndarray
    score: np.ndarray
    presence: np.ndarray


def object_logits(
    model: PartCLIPSeg, look: Encoding, text: Tensor, *, coarse: bool = False
) -> Tensor:
    """Logits that each object is there (0 = undecided): ``(N, D)`` -> ``(N, H/4, W/4)``.

    ``coarse`` stays at H/8, many times cheaper, where edges do not matter.
    """
    cosine = similarity_maps(look.features.object[0], text)
    return model.part2clip.object_logits(cosine if coarse else _sharpened(look, cosine))


def part_logits(
    model: PartCLIPSeg, look: Encoding, text: Tensor, *, coarse: bool = False
) -> Tensor:
    """Logits of part names against "none of these" = 0, as ``object_logits``."""
    cosine = similarity_maps(look.features.part[0], text)
    return model.part2clip.part_logits(cosine if coarse else _sharpened(look, cosine))


def _sharpened(look: Encoding, maps: Tensor) -> Tensor:
    return upsample_convex(maps[None], look.features.edges)[0]


def _halved(masks: Tensor) -> Tensor:
    """``(M, H/4, W/4)`` -> ``(M, H/8 * W/8)``, what ``coarse`` logits are compared with."""
    return F.avg_pool2d(masks.float()[None], 2)[0].flatten(1)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Of float32 maps at the photo's size; on all cores, which scipy's is not."""
    return torch.from_numpy(logits).sigmoid().numpy()


def presence(probability: Tensor) -> Tensor:
    """How sure the surest cells are: ``(N, h, w)`` -> ``(N,)``."""
    flat = probability.flatten(1)
    count = max(4, int(SUREST_SHARE * flat.shape[1]))
    return flat.topk(min(count, flat.shape[1]), dim=1).values.mean(1)


def to_photo(
    look: Encoding, maps: Tensor, size: tuple[int, int], outside: float = 0.0
) -> np.ndarray:
    """Maps of a look -> (K, H, W) float32 on the photo of ``size`` (width, height)."""
    width, height = size
    x, y = look.origin
    out = np.full((len(maps), height, width), outside, np.float32)
    for row, values in zip(out, maps.cpu().numpy(), strict=True):
        placed = look.frame.map_to_photo(values)
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


@dataclass(frozen=True)
class MaskName:
    """What a mask is called, with the cosine and the probability over the names in question."""

    query: Query
    similarity: float
    probability: float


class Namer:
    """Words against pixels and masks of encoded photos.

    Attributes:
        embed: phrases -> (N, D), cached with the model.
    """

    def __init__(self, model: PartCLIPSeg) -> None:
        self.model = model
        self.embed: TextEmbeddings = model.text_embeddings

    def read(self, queries: Sequence[Query]) -> Tensor:
        """Asked names -> (N, D) unit vectors; see ``wording.embed_queries``."""
        return embed_queries(self.embed, queries)

    def objects(self, photo: EncodedPhoto, names: Sequence[str]) -> Evidence:
        """Where each object is."""
        logits = object_logits(self.model, photo.full, self.read([Query(n, None) for n in names]))
        values = sigmoid(to_photo(photo.full, logits, photo.size, outside=OUTSIDE))
        return Evidence(values, values, presence(logits.sigmoid()).cpu().numpy())

    def parts(self, photo: EncodedPhoto, owner: str, parts: Sequence[str]) -> Evidence:
        """Where an object's parts are: they compete with one another, with none and for the object.

        Where the object fills a small piece of the photo, a second look at its crop has half of
        the say inside the crop: the whole photo knows the object, the crop sees the details.
        """
        name = self.read([Query(owner, None)])
        text = self.read([Query(owner, part) for part in parts])
        text = torch.cat([text, self._unasked(owner, text)])

        def ask(look: Encoding) -> tuple[Tensor, np.ndarray]:
            gate = object_logits(self.model, look, name)
            asked, unasked = part_logits(self.model, look, text).split(
                [len(parts), len(text) - len(parts)]
            )
            # Of the others only the strongest matters; few maps are brought to the photo's size.
            strongest = [unasked.amax(0, keepdim=True)] if len(unasked) else []
            maps = torch.cat([gate, asked, *strongest])
            return gate, to_photo(look, maps, photo.size, outside=OUTSIDE)

        gate, logits = ask(photo.full)
        found = float(presence(gate.sigmoid())[0])
        box = zoom_box(logits[0] > 0) if found > 0.5 else None
        if box is not None:
            x0, y0, x1, y1 = box
            window = np.s_[:, y0:y1, x0:x1]
            logits[window] = 0.5 * logits[window] + 0.5 * ask(photo.look(box))[1][window]
        inside, names, unasked = np.split(logits, [1, 1 + len(parts)])
        if len(unasked):
            names = np.where(names > unasked - CLEARLY, names, OUTSIDE)
        return Evidence(
            probability=sigmoid(np.minimum(names, inside)),
            score=sigmoid(names) * sigmoid(inside),
            presence=np.full(len(parts), found, np.float32),
        )

    def _unasked(self, owner: str, asked: Tensor) -> Tensor:
        """Other parts of an everyday object, (E, D): what is clearly one of them is no asked part.

        Asked for a headlight alone, the model would take the bumper below for one. Parts that may
        mean the same as an asked one ``(K, D)`` stay out.
        """
        known = vocabulary.common().get(vocabulary.load().canonical(owner), ())
        text = self.embed([Query(owner, part).text for part in known])
        return text[(text @ asked.T).amax(1) < SAME_PART] if len(text) else text

    def words(self, photo: EncodedPhoto, words: Sequence[str]) -> Evidence:
        """Words that stand alone may name a part or an object; the surer reading counts."""
        text = self.read([Query(None, word) for word in words])
        as_part = part_logits(self.model, photo.full, text)
        as_object = object_logits(self.model, photo.full, text)
        sure = torch.stack([presence(as_part.sigmoid()), presence(as_object.sigmoid())])
        chosen = torch.where((sure[1] >= sure[0])[:, None, None], as_object, as_part)
        values = sigmoid(to_photo(photo.full, chosen, photo.size, outside=OUTSIDE))
        return Evidence(values, values, sure.amax(0).cpu().numpy())

    def compete(
        self, photo: EncodedPhoto, region: np.ndarray, owner: str, parts: Sequence[str]
    ) -> np.ndarray:
        """Every pixel of an (H, W) bool region gets one of the parts: (H, W) int16, -1 outside."""
        text = self.read([Query(owner, part) for part in parts])
        votes = to_photo(
            photo.full, part_logits(self.model, photo.full, text).softmax(0), photo.size
        )
        box = zoom_box(region)
        if box is not None:
            look = photo.look(box)
            votes += to_photo(look, part_logits(self.model, look, text).softmax(0), photo.size)
        return np.where(region, votes.argmax(0), -1).astype(np.int16)

    def compare(
        self, photo: EncodedPhoto, masks: Tensor, queries: Sequence[Query]
    ) -> tuple[Tensor, Tensor]:
        """Part2CLIP: cosines and probabilities of (M, H/4, W/4) soft masks over N names, (M, N).

        An object's name is compared in object space, a part's in part space, a bare word in both.
        A hub CLIP, where one is asked for, compares in its own space.
        """
        phrases = [q.text for q in queries]
        recognizer = self.model.recognizer
        if recognizer is not None and photo.full.foreign is not None:
            text = self.model.foreign_embeddings(phrases)
            size = photo.full.foreign.shape[-2:]
            small = F.interpolate(masks.float()[None], size=size, mode="area")[0]
            cosine = Part2CLIP.pool(photo.full.foreign, small) @ text.T
            return cosine, (FOREIGN_SHARPNESS * cosine).softmax(-1)
        features, text = photo.full.features, self.read(queries)
        as_part = mean_vectors(features.part[0], masks) @ text.T
        as_object = mean_vectors(features.object[0], masks) @ text.T
        whole = torch.tensor([q.part is None for q in queries], device=text.device)
        bare = torch.tensor([q.object is None for q in queries], device=text.device)
        either = torch.maximum(as_part, as_object)
        cosine = torch.where(whole, as_object, torch.where(bare, either, as_part)).cpu()
        logits = SHARPNESS * cosine
        if whole.any():
            logits[:, whole.cpu()] -= self._unlike_object(photo, masks, text[whole]).cpu()
        return cosine, logits.softmax(-1)

    def _unlike_object(self, photo: EncodedPhoto, masks: Tensor, text: Tensor) -> Tensor:
        """What an object's name loses on (M, h, w) masks that are not all of it: (M, N), >= 0.

        A wheel is as similar to "car" as the whole car is; only the extent tells them apart.
        """
        logits = object_logits(self.model, photo.full, text, coarse=True)
        extent, flat = (logits > 0).flatten(1).float(), _halved(masks)
        both = flat @ extent.T
        union = flat.sum(1, keepdim=True) + extent.sum(1) - both
        return WHOLE_WEIGHT * SHARPNESS * (1 - both / union.clamp(min=1))

    def _outside_parts(
        self, photo: EncodedPhoto, masks: Tensor, queries: Sequence[Query]
    ) -> Tensor:
        """What a part's name loses on (M, h, w) masks that lie elsewhere: (M, N), >= 0.

        Parts of one object compete for its pixels; a mask is called by a part in so far as it lies
        where that part wins. A mask may be one piece of several (a wheel), so only what of it is
        outside counts.
        """
        loss = torch.zeros(len(masks), len(queries))
        flat = _halved(masks)
        share = flat / flat.sum(1, keepdim=True).clamp(min=1)
        for owner in {q.object for q in queries if q.object and q.part}:
            index = [i for i, q in enumerate(queries) if q.object == owner and q.part]
            gate = (
                object_logits(self.model, photo.full, self.read([Query(owner, None)]), coarse=True)
                > 0
            )
            names = part_logits(
                self.model, photo.full, self.read([queries[i] for i in index]), coarse=True
            )
            wins = (names == names.amax(0)) & (names > 0) & gate
            inside = share @ wins.flatten(1).float().T
            loss[:, index] = (PART_WEIGHT * SHARPNESS * (1 - inside)).cpu()
        return loss

    def similarity(self, photo: EncodedPhoto, queries: Sequence[Query]) -> np.ndarray:
        """Cosine of every pixel with every name, read as in ``compare``: (N, H, W) float32."""
        features, text = photo.full.features, self.read(queries)
        as_part = similarity_maps(features.part[0], text)
        as_object = similarity_maps(features.object[0], text)
        cosine = torch.stack(
            [
                o if q.part is None else p if q.object is not None else torch.maximum(p, o)
                for q, p, o in zip(queries, as_part, as_object, strict=True)
            ]
        )
        return to_photo(photo.full, upsample_convex(cosine[None], features.edges)[0], photo.size)

    def name_masks(
        self, photo: EncodedPhoto, logits: Tensor, queries: Sequence[Query]
    ) -> list[MaskName]:
        """The best of the asked names for each of (M, H/4, W/4) mask logits.

        Without asked names, objects that seem to be in the photo and their parts are tried.
        """
        if not len(logits):
            return []
        queries = list(queries) or self.likely(photo)
        masks = logits.sigmoid()
        cosine, probability = self.compare(photo, masks, queries)
        if self.model.recognizer is None:
            probability = probability * (-self._outside_parts(photo, masks, queries)).exp()
            probability = probability / probability.sum(-1, keepdim=True)
        best = probability.argmax(-1).tolist()
        return [
            MaskName(queries[b], float(cosine[i, b]), float(probability[i, b]))
            for i, b in enumerate(best)
        ]

    def likely(self, photo: EncodedPhoto, most: int = 3) -> list[Query]:
        """Everyday objects that seem to be in the photo, and their parts: object first."""
        common = vocabulary.common()
        owners = list(common)
        logits = object_logits(self.model, photo.full, self.embed(owners), coarse=True)
        sure = presence(logits.sigmoid())
        chosen = [owners[i] for i in sure.argsort(descending=True)[:most].tolist()]
        return [Query(o, p) for o in chosen for p in (None, *common[o])]


def by_object(
    queries: Sequence[Query],
) -> dict[tuple[str | None, bool], list[Query]]:
    """Queries that are answered together: an object's parts, or the object as a whole."""
    groups: dict[tuple[str | None, bool], list[Query]] = {}
    for query in queries:
        groups.setdefault((query.object, query.part is None), []).append(query)
    return groups


def winner(score: Sequence[np.ndarray], asked: Sequence[Query], whole: bool) -> np.ndarray:
    """Which query wins each pixel, (H, W): wholes compete with wholes, parts with parts."""
    index = [i for i, query in enumerate(asked) if (query.part is None) == whole]
    if not index:
        return np.array(-1)
    return np.array(index)[np.stack([score[i] for i in index]).argmax(0)]
