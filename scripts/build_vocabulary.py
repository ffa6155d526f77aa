"""Make partclipseg/vocabulary/wordnet.json.gz from WordNet and the hand-made lists beside it.

python -m scripts.build_vocabulary [/usr/share/wordnet/data.noun]

Names are WordNet's nouns of things that a photo can show, the everyday ones first. An object's
parts come from the hand-made lists, else from the nearest more general object that has one (a
beagle has what a dog has), else from WordNet's own part relation, handed down by one step.
``index.noun`` must lie beside ``data.noun``; ``cntlist.rev`` is used if it does.
"""

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from partclipseg.vocabulary.spelling import fold, variants
from partclipseg.vocabulary.wordnet import Synset, read_counts, read_senses, read_synsets
from scripts.vocabulary_rules import (
    BODY,
    EVERYDAY,
    FAMILIAR,
    FILES,
    FOOD,
    GROUPS,
    HEIR_DEPTH,
    MOST_HANDED,
    MOST_PARTS,
    NO_HEIRS,
    OTHER_WORDS,
    PERSON,
    PLANT,
    PLURAL_NAMES,
    RAREST_SENSE,
    SENSES,
    SUBSTANCE,
    TOO_ODD,
    UNKIND,
    UNKIND_USAGE,
    UNKIND_WORDS,
    WIDEST_GIVER,
    WORDNET_DEPTH,
)

FOLDER = Path(__file__).resolve().parents[1] / "partclipseg" / "vocabulary"


class Nouns:
    """WordNet's nouns with what is asked of them here."""

    def __init__(self, data: Path) -> None:
        self.synsets = read_synsets(data)
        self.senses = read_senses(data.parent / "index.noun")
        self.counts = read_counts(data.parent / "cntlist.rev")
        self.others = Counter[str]()  # uses of a word as verb, adjective or adverb
        for key, count in self.counts.items():
            lemma, _, rest = key.partition("%")
            if rest[0] != "1":
                self.others[lemma.replace("_", " ")] += count
        self._widths: dict[str, int] = {}
        self.kinds: dict[str, list[str]] = defaultdict(list)
        for offset, synset in self.synsets.items():
            for general in synset.targets("@"):
                self.kinds[general].append(offset)
        self.glosses = _phrase_counts(s.gloss for s in self.synsets.values())
        genera = {x[6:] for s in self.synsets.values() for x in s.lemmas if x.startswith("genus ")}
        self.genera = genera
        self.visible = self._visible()

    def at(self, sense: str) -> str:
        """``dog#1`` -> its offset."""
        lemma, number = sense.split("#")
        return self.senses[lemma][int(number) - 1]

    def below(self, *offsets: str) -> set[str]:
        """All kinds of these, themselves included."""
        found: set[str] = set()
        waiting = list(offsets)
        while waiting:
            offset = waiting.pop()
            if offset not in found:
                found.add(offset)
                waiting += self.kinds[offset]
        return found

    def width(self, offset: str) -> int:
        """How many kinds of it there are."""
        if offset not in self._widths:
            self._widths[offset] = len(self.below(offset))
        return self._widths[offset]

    def above(self, offset: str, steps: int) -> Iterator[str]:
        """More general meanings, the nearest first."""
        seen, level = {offset}, [offset]
        for _ in range(steps):
            general = (a for o in level for a in self.synsets[o].targets("@"))
            level = [a for a in dict.fromkeys(general) if a not in seen]
            seen.update(level)
            yield from level

    def tags(self, offset: str, lemma: str) -> int:
        """Times this meaning of the word was met in tagged text."""
        synset = self.synsets[offset]
        keys = (k for k, x in zip(synset.keys, synset.lemmas, strict=True) if x.lower() == lemma)
        return sum(self.counts.get(key, 0) for key in keys)

    def share(self, offset: str, lemma: str) -> float:
        """Share of the word's uses that mean this; earlier senses are likelier where unknown."""
        lemma = lemma.lower()
        weights = {o: self.tags(o, lemma) + 0.5 / (i + 1) for i, o in enumerate(self.senses[lemma])}
        return weights.get(offset, 0.5) / (sum(weights.values()) + self.others[lemma])

    def common(self, offset: str, lemma: str) -> float:
        """How everyday the word in this meaning is: in tagged text and in WordNet's own glosses."""
        words = fold(lemma).split()
        uses = float(self.glosses[" ".join(map(_stem, words))])
        if _stem(words[-1]) != words[-1] and _stem(words[-1]) in self.senses:
            uses /= 20  # the count is that of the singular
        uses += 2 * self.tags(offset, lemma.lower())
        return uses * self.share(offset, lemma)

    def latin(self, lemma: str) -> bool:
        """``Canis familiaris`` and abbreviations, but not ``German shepherd``."""
        genus = lemma.split(" ")[0] in self.genera and lemma[0].isupper() and " " in lemma
        return genus or lemma.replace(" ", "").replace(".", "").isupper()

    def _visible(self) -> set[str]:
        at = {group: [self.at(s) for s in senses] for group, senses in GROUPS.items()}
        dull = self.below(*at["not visible"]) | (
            self.below(*at["anatomy"]) - set(at["anatomy kept"])
        )
        people = self.below(*at["people"]) | set(at["named people"])
        chemicals = self.below(*at["chemicals"])
        return set(at["tops"]) | {
            offset
            for offset, synset in self.synsets.items()
            if synset.file in FILES
            and offset not in dull
            and not synset.targets("@i")
            and (synset.file != PERSON or offset in people)
            and (synset.file != SUBSTANCE or (offset not in chemicals and self._known(offset)))
            and not self._unkind(synset)
            and (synset.file != BODY or offset in at["anatomy kept"] or self._known(offset, 2))
        }

    def _known(self, offset: str, least: float = 20) -> bool:
        return any(self.common(offset, lemma) > least for lemma in self.synsets[offset].lemmas)

    def _unkind(self, synset: Synset) -> bool:
        usage = {self.synsets[at].lemmas[0] for number, at in synset.usage if not number}
        return bool(usage & UNKIND_USAGE or UNKIND.search(synset.gloss))

    def words(self, offset: str) -> list[str]:
        """Lemmas that can be shown: no numbers, no genus alone, nothing unkind."""
        synset = self.synsets[offset]
        bad = {n for n, at in synset.usage if self.synsets[at].lemmas[0] in UNKIND_USAGE}
        return [
            lemma
            for number, lemma in enumerate(synset.lemmas, 1)
            if number not in bad
            and (len(lemma) > 2 or lemma in ("ox", "ax", "tv"))
            and lemma.count(" ") + lemma.count("-") <= 2
            and not any(c.isdigit() for c in lemma)
            and not lemma.startswith(("genus ", "family "))
            and lemma not in self.genera
            and not UNKIND_WORDS.search(lemma.lower())
        ]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == "s" else word


def _phrase_counts(texts: Iterable[str]) -> Counter[str]:
    """How often words and phrases of up to three words occur, singular and plural together."""
    counts: Counter[str] = Counter()
    for text in texts:
        words = [_stem(word) for word in re.findall("[a-z']+", text)]
        for length in (1, 2, 3):
            counts.update(" ".join(words[i : i + length]) for i in range(len(words) - length + 1))
    return counts


class Builder:
    """Puts names, aliases and parts together.

    Attributes:
        meaning: word -> offset, one meaning a word.
        name: folded word -> the name that stands for it; names stand for themselves.
        parts: name -> its parts in order; ``=dog/9`` stands for the first nine parts of a dog.
    """

    def __init__(self, nouns: Nouns, common: dict, everyday: dict) -> None:
        self.nouns = nouns
        hand = [common, everyday["parts"]]
        self.hand_parts = {part for lists in hand for parts in lists.values() for part in parts}
        self.hand_words = self.hand_parts | {owner for lists in hand for owner in lists}
        self.hand_aliases = {a: name for name, words in everyday["aliases"].items() for a in words}
        self.hand_words |= set(everyday["aliases"])
        self.meaning = self._meanings()
        self.name, self.aliases = self._names()
        self.lists = {
            owner: self._unique([*everyday["parts"].get(owner, ()), *common.get(owner, ())])
            for owner in dict.fromkeys([*everyday["parts"], *common])
        }
        self.general = {owner: self._unique(ps) for owner, ps in everyday["parts"].items()}
        self.parts = self._parts()
        self.order = self._order(common)

    def call(self, word: str) -> str | None:
        """The name for a word, if there is one."""
        return next((self.name[v] for v in variants(fold(word)) if v in self.name), None)

    def _meanings(self) -> dict[str, str]:
        found: dict[str, tuple[tuple, str]] = {}
        for offset in self.nouns.visible:
            synset = self.nouns.synsets[offset]
            for lemma in self.nouns.words(offset):
                if lemma not in self.hand_words and self.nouns.share(offset, lemma) < RAREST_SENSE:
                    continue
                weight = FILES.get(synset.file, 1.0) * self.nouns.share(offset, lemma)
                rank = (-weight, offset)
                found[lemma] = min(found.get(lemma, (rank, offset)), (rank, offset))
        meaning = {word: offset for word, (_, offset) in found.items()}
        for word, number in SENSES.items():
            meaning[word] = self.nouns.at(f"{word}#{number}")
        return meaning | {word: self.nouns.at(sense) for word, sense in OTHER_WORDS.items()}

    def _names(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        groups: dict[str, list[str]] = defaultdict(list)
        for word, offset in self.meaning.items():
            groups[offset].append(word)
        name = {fold(w): w for w in sorted(self.hand_words) if self._stays(w)}
        hand = set(name)
        aliases: dict[str, list[str]] = defaultdict(list)

        def add(alias: str, chosen: str) -> None:
            if fold(alias) not in name:
                name[fold(alias)] = chosen
                aliases[chosen].append(alias)

        for alias, chosen in self.hand_aliases.items():
            add(alias, chosen)
        for offset, words in sorted(groups.items()):
            lemmas = self.nouns.synsets[offset].lemmas
            words.sort(key=lambda w: lemmas.index(w) if w in lemmas else -1)
            spoken = [w for w in words if not self.nouns.latin(w)]
            by_hand = [w for w in spoken if name.get(fold(w)) == w]
            free = [w for w in spoken if fold(w) not in name]
            if not by_hand and not free:
                continue
            if by_hand:
                chosen = by_hand[0]
            else:
                chosen = max(free, key=self._spoken(offset, lemmas[0]))
                # Plurals and British spellings of a name are no concept of their own.
                known = next((v for v in variants(fold(chosen)) if v in hand), None)
                chosen = name[known] if known else chosen
                name[fold(chosen)] = chosen
            for word in words:
                add(word, chosen)
        return name, aliases

    def _spoken(self, offset: str, first: str) -> Callable[[str], float]:
        """How likely a word is to be the one that people use."""
        return lambda w: self.nouns.common(offset, w) + (w == first) + 0.5 * w.islower()

    def _stays(self, word: str) -> bool:
        """Hand-made plurals whose singular says the same give way to it."""
        if word in self.hand_aliases or word in PLURAL_NAMES:
            return word in PLURAL_NAMES
        others = list(variants(word))[1:] if word.endswith("s") else []
        return not any(v in self.hand_words or v in self.meaning for v in others)

    def _unique(self, words: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(self.call(w) or w for w in words))

    def _parts(self) -> dict[str, list[str]]:
        by_hand: dict[str, list[str]] = defaultdict(list)
        for owner, parts in self.lists.items():
            name = self.call(owner) or owner
            by_hand[name] += [p for p in parts if p not in by_hand[name] and p != name]
        givers = {
            self.meaning[name]: name
            for name in by_hand
            if name in self.meaning and name not in NO_HEIRS
        }
        parts: dict[str, list[str]] = {}
        for name in dict.fromkeys(self.name.values()):
            offset = self.meaning.get(name)
            more = self._wordnet_parts(offset, name) if offset else []
            more = [part for part in more if self._everyday(part, name in by_hand)]
            above = self.nouns.above(offset, HEIR_DEPTH) if offset else ()
            giver = next((givers[a] for a in above if a in givers), None)
            if name in by_hand:
                parts[name] = self._short([*by_hand[name], *more])
            elif giver:
                parts[name] = [*self._short(more), f"={giver}/{self._heirloom(giver)}"]
            elif offset and (found := [*more, *self._handed_down(offset, name)]):
                parts[name] = self._short(found)
        return parts

    def _short(self, parts: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(parts))[:MOST_PARTS]

    def _handed_down(self, offset: str, name: str) -> list[str]:
        narrow = (
            a
            for a in self.nouns.above(offset, WORDNET_DEPTH)
            if a in self.nouns.visible and self.nouns.width(a) <= WIDEST_GIVER
        )
        found = [part for a in narrow for part in self._wordnet_parts(a, name)]
        return [part for part in found if self._everyday(part, strictly=False)]

    def _wordnet_parts(self, offset: str, name: str) -> list[str]:
        """Names of the visible parts that WordNet gives this very meaning."""
        owner = self.nouns.synsets[offset]
        if owner.file == BODY:  # anatomy
            return []
        found = []
        for at in owner.targets("%p"):
            meat = self.nouns.synsets[at].file == FOOD and owner.file not in (FOOD, PLANT)
            if at not in self.nouns.visible or meat:
                continue
            part = self._part_name(at, owner)
            if part and part != name and not TOO_ODD.search(part):
                found.append(part)
        return found

    def _part_name(self, offset: str, owner: Synset) -> str | None:
        """``door`` for the car door of a car; else the best known of the part's words."""
        words = self.nouns.words(offset)
        for word in words:
            for lemma in owner.lemmas:
                rest = word.removeprefix(f"{lemma} ").removeprefix(f"{lemma}'s ")
                if rest != word and fold(rest) in self.name:
                    return self.name[fold(rest)]
        words = [w for w in words if not self.nouns.latin(w)]
        # "gun" is a word for the accelerator, but nobody would take it for one.
        fitting = [w for w in words if self.meaning.get(w) == offset or w == words[0]]
        known = [
            w
            for w in fitting
            if fold(w) in self.name and (self.meaning.get(w) == offset or w in self.hand_parts)
        ]
        known.sort(key=lambda w: w not in self.hand_parts)
        return self.name[fold(known[0])] if known else None

    def _everyday(self, part: str, strictly: bool) -> bool:
        offset = self.meaning.get(part)
        least = EVERYDAY if strictly else FAMILIAR
        return part in self.hand_parts or bool(offset and self.nouns.common(offset, part) >= least)

    def _heirloom(self, giver: str) -> int:
        """How many of its parts hold for every kind of it: those of the general list."""
        return len(self.general.get(giver) or self.lists[giver][:MOST_HANDED])

    def _order(self, common: dict) -> list[str]:
        def rank(name: str) -> tuple:
            offset = self.meaning.get(name)
            score = self.nouns.common(offset, name) if offset else 0.0
            return (name not in self.hand_words, -score, name.count(" "), len(name), name)

        return sorted(dict.fromkeys(self.name.values()), key=rank)


def write(builder: Builder, path: Path) -> None:
    """The names, one a line with its aliases, and the parts, as gzipped JSON that never varies."""
    data = {
        "names": ["|".join([n, *builder.aliases.get(n, ())]) for n in builder.order],
        "parts": {n: "|".join(builder.parts[n]) for n in builder.order if n in builder.parts},
        "everyday": sum(name in builder.hand_words for name in builder.order),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default="/usr/share/wordnet/data.noun")
    parser.add_argument("--out", type=Path, default=FOLDER / "wordnet.json.gz")
    arguments = parser.parse_args()
    common, everyday = (
        json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("common", "everyday")
    )
    builder = Builder(Nouns(arguments.data), common, everyday)
    write(builder, arguments.out)
    print(f"{len(builder.order):,} names, {len(builder.parts):,} with parts -> {arguments.out}")


if __name__ == "__main__":
    main()
