"""Phrases that teach the text tower: WordNet nouns, part-of pairs and the templates around them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from partclipseg.vocabulary.wordnet import read_synsets

# WordNet's lexicographer files (lexnames(5WN)) whose nouns can be seen in a photo.
VISIBLE = {4: "act", 5: "animal", 6: "artifact", 8: "body", 13: "food", 15: "location",
           17: "object", 18: "person", 20: "plant", 25: "shape", 27: "substance"}  # fmt: skip
PART_FILES = {5, 6, 8, 13, 17, 20}
MODIFIERS = (
    "front", "rear", "back", "left", "right", "upper", "lower", "inner", "outer", "top", "bottom",
    "side", "middle", "small", "large", "long", "round", "metal", "wooden", "glass", "leather",
    "plastic", "main", "white", "black", "red", "striped",
)  # fmt: skip
TEMPLATES = ("{p} of a {o}", "{o} {p}", "{p} of the {o}", "{o}'s {p}")


@dataclass(frozen=True)
class WordNet:
    """The nouns of WordNet and which of them are parts of which."""

    nouns: tuple[str, ...]
    visible: tuple[str, ...]
    part_words: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]  # (part, object)


def read_wordnet(path: Path) -> WordNet:
    """Read ``data.noun`` in the format of wndb(5WN), as Debian's wordnet-base installs it."""
    synsets = read_synsets(path)
    words = {offset: (synset.file, synset.lemmas) for offset, synset in synsets.items()}
    links = [(part, whole) for whole, synset in synsets.items() for part in synset.targets("%p")]
    common = {k: (f, tuple(w for w in ws if _is_common(w))) for k, (f, ws) in words.items()}
    return WordNet(
        nouns=_unique(w for _, ws in common.values() for w in ws),
        visible=_unique(w for f, ws in common.values() if f in VISIBLE for w in ws),
        part_words=_unique(w for f, ws in common.values() if f in PART_FILES for w in ws),
        pairs=_unique((p, o) for a, b in links for p in common[a][1] for o in common[b][1]),
    )


def _is_common(word: str) -> bool:
    """Lower-case phrases of at most three words; scientific and proper names are capitalised."""
    return word.islower() and word.count(" ") <= 2 and not any(c.isdigit() for c in word)


def _unique(items: Iterable) -> tuple:
    return tuple(dict.fromkeys(items))


def build(
    wordnet: WordNet,
    data_pairs: Sequence[tuple[str, str]],
    object_names: Sequence[str],
    withheld: Sequence[str],
    count: int,
    seed: int = 0,
) -> list[str]:
    """``count`` distinct phrases; those that hold a withheld part name in a template are left out.

    Args:
        data_pairs: (part, object) names of the photos.
        object_names: names of objects, class names of the photos included.
        withheld: synonyms kept back to measure how unseen wordings do.
    """
    rng = random.Random(seed)  # noqa: S311 - words, not keys
    kept_back = set(withheld)
    parts = _unique(p for p, _ in data_pairs)
    objects = _unique([o for _, o in data_pairs] + list(object_names))
    phrases = dict.fromkeys([*parts, *objects, *wordnet.nouns])
    for part, owner in [*data_pairs, *wordnet.pairs]:
        if part not in kept_back:
            phrases.update(dict.fromkeys(t.format(p=part, o=owner) for t in TEMPLATES))
    while len(phrases) < count:
        part = rng.choice(parts if rng.random() < 0.3 else wordnet.part_words)
        owner = rng.choice(objects if rng.random() < 0.5 else wordnet.visible)
        if part in kept_back:
            continue
        if rng.random() < 0.35:
            part = f"{rng.choice(MODIFIERS)} {part}"
        style = rng.random()
        phrases[part if style < 0.15 else rng.choice(TEMPLATES).format(p=part, o=owner)] = None
    result = list(phrases)
    rng.shuffle(result)
    return result[:count]
