"""Text embeddings of every training name, its wordings, and negatives that do no harm."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from partclipseg.clip.backbone import Backbone
from partclipseg.training.phrases import TEMPLATES

Pair = tuple[str, str]  # (object, part)
# Of all pairs of names, the share that lies so close that both may mean the same thing.
SAME_PART, SAME_OBJECT = 0.003, 0.01


class Names:
    """Embeddings of (object, part) pairs under several wordings, and of objects.

    Args:
        backbone: its text tower embeds; frozen.
        pairs: all pairs of the training sets, in any order.
        groups: objects that may hide in one another's photos (a face on a person) are never used
            as each other's negatives; lists of object names.
        synonyms: {object or "*": {part: [other wordings]}}, used in training.
    """

    def __init__(
        self,
        backbone: Backbone,
        pairs: Sequence[Pair],
        object_names: Sequence[str],
        groups: Sequence[Sequence[str]],
        synonyms: dict[str, dict[str, list[str]]],
    ) -> None:
        self.pairs = list(dict.fromkeys(pairs))
        self.objects = list(dict.fromkeys([o for o, _ in self.pairs] + list(object_names)))
        self.group = {name: i for i, g in enumerate(groups) for name in g}
        self.wordings: dict[Pair, list[str]] = {}
        for owner, part in self.pairs:
            others = synonyms.get(owner, {}).get(part, []) + synonyms.get("*", {}).get(part, [])
            texts = [t.format(p=part, o=owner) for t in TEMPLATES] + [part]
            self.wordings[(owner, part)] = texts + [f"{p} of a {owner}" for p in others]
        texts = [t for p in self.pairs for t in self.wordings[p]] + self.objects
        texts = list(dict.fromkeys(texts))
        with torch.no_grad():
            rows = [backbone.encode_text(texts[i : i + 512]) for i in range(0, len(texts), 512)]
        self.bank = torch.cat(rows)
        self.row = {text: i for i, text in enumerate(texts)}
        self.pair_rows = torch.tensor([self.row[self.wordings[p][0]] for p in self.pairs])
        self.object_rows = torch.tensor([self.row[o] for o in self.objects])
        # Text towers differ in how close all names lie to each other; shares of pairs do not.
        self.level, self.same_part = _closeness(self.bank[self.pair_rows], SAME_PART)
        self.object_level, self.same_object = _closeness(self.bank[self.object_rows], SAME_OBJECT)

    def embed_pair(self, pair: Pair, rng: np.random.Generator, bare: bool) -> int:
        """A row of ``bank`` for one of the pair's wordings; the plain one half of the time."""
        texts = self.wordings[pair]
        style = rng.random()
        if bare:
            return self.row[texts[4]]
        if len(texts) > 5 and style < 0.25:
            return self.row[texts[rng.integers(5, len(texts))]]
        return self.row[texts[0] if style < 0.7 else texts[rng.integers(1, 4)]]

    def other_pairs(self, own: Tensor, count: int, rng: np.random.Generator) -> Tensor:
        """Rows of ``count`` random pairs whose meaning is not near any row of ``own``."""
        chosen = self.pair_rows[torch.from_numpy(rng.integers(0, len(self.pair_rows), 3 * count))]
        near = (self.bank[chosen] @ self.bank[own].T).amax(1)
        return chosen[near < self.same_part][:count]

    def absent_objects(
        self, present: Sequence[str], count: int, rng: np.random.Generator
    ) -> Tensor:
        """Rows of objects that are surely not in a photo with the ``present`` ones."""
        if not present:
            return torch.zeros(0, dtype=torch.long)
        groups = {self.group[p] for p in present if p in self.group}
        picks = rng.integers(0, len(self.objects), 4 * count)
        rows = [self.row[self.objects[i]] for i in picks
                if self.group.get(self.objects[i], -1) not in groups]  # fmt: skip
        if not rows:
            return torch.zeros(0, dtype=torch.long)
        chosen = torch.tensor(rows)
        own = torch.tensor([self.row[p] for p in present])
        near = (self.bank[chosen] @ self.bank[own].T).amax(1)
        return chosen[near < self.same_object][:count]


def _closeness(vectors: Tensor, share: float, most: int = 1000) -> tuple[float, float]:
    """Mean cosine of different names, and the cosine that only ``share`` of the pairs exceed."""
    chosen = vectors[:: max(1, len(vectors) // most)]
    cosine = chosen @ chosen.T
    apart = cosine[~torch.eye(len(cosine), dtype=torch.bool, device=cosine.device)]
    if not len(apart):
        return 0.0, 1.0
    return float(apart.mean()), float(np.quantile(apart.cpu().numpy(), 1 - share))


def read_words(path: Path) -> dict:
    """The JSON file of synonyms and co-occurring groups beside a recipe."""
    return json.loads(path.read_text(encoding="utf-8"))
