"""Names, the other words for them, and which of them are parts of which."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from partclipseg.vocabulary.search import Match, NameSearch, rank_among
from partclipseg.vocabulary.spelling import fold, variants

HEIR_MARK = "="
ALIAS_SETBACK = 1500


class Vocabulary:
    """Concepts with one name each, the most everyday first.

    Args:
        words: every concept's name, followed by its other words.
        parts: name -> names of its parts, the most telling first; ``=dog/9`` stands for the first
            nine parts of a dog.
        everyday: how many of the first names are everyday ones; None for all.

    Attributes:
        names: one a concept.
        everyday: the first of them, chosen by hand.
        objects: names of what has parts.
    """

    def __init__(
        self,
        words: Iterable[Sequence[str]],
        parts: Mapping[str, Sequence[str]] | None = None,
        everyday: int | None = None,
    ) -> None:
        self._words = tuple(tuple(row) for row in words)
        self.names = tuple(row[0] for row in self._words)
        self.everyday = self.names[:everyday]
        # A name stands for itself even where another concept claims it as its other word.
        self._index = {fold(name): name for name in reversed(self.names)}
        for name, *others in self._words:
            for other in others:
                self._index.setdefault(fold(other), name)
        self._general: dict[str, str] = {}
        self._parts = self._spell_out(parts or {})
        self.objects = tuple(self._parts)

    @classmethod
    def read(cls, path: Path) -> "Vocabulary":
        """Read what ``scripts/build_vocabulary.py`` writes."""
        data = json.loads(gzip.decompress(path.read_bytes()))
        return cls(
            (row.split("|") for row in data["names"]),
            {name: row.split("|") for name, row in data["parts"].items()},
            data["everyday"],
        )

    def _spell_out(self, parts: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        own = {name: [p for p in row if p[0] != HEIR_MARK] for name, row in parts.items()}
        spelt = {}
        for name, row in parts.items():
            found = own[name]
            for general, count in (p[1:].split("/") for p in row if p[0] == HEIR_MARK):
                self._general[name] = general
                found = [*found, *own[general][: int(count)]]
            spelt[name] = tuple(p for p in dict.fromkeys(found) if p != name)
        return spelt

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        """Whether the word means a concept: ``"tyres" in vocabulary``."""
        return self._find(name) is not None

    def _find(self, name: str) -> str | None:
        return next((self._index[v] for v in variants(fold(name)) if v in self._index), None)

    def canonical(self, name: str) -> str:
        """The name that stands for a word: tire for "Tyres", hood for "bonnet".

        Case, hyphens, plurals, articles and British spelling do not matter. A word that is not in
        the vocabulary comes back as it is, without surplus blanks.
        """
        return self._find(name) or " ".join(name.split())

    def words_for(self, name: str) -> tuple[str, ...]:
        """All words for the same thing, its name first; empty for an unknown word."""
        found = self._find(name)
        return next((row for row in self._words if row[0] == found), ())

    def parts_of(self, object: str) -> tuple[str, ...]:
        """Names of an object's parts, the most telling first; empty where none are known."""
        return self._parts.get(self.canonical(object), ())

    def general(self, object: str) -> str | None:
        """The more general object whose parts it has: dog for "beagle"; None if it has its own."""
        return self._general.get(self.canonical(object))

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Objects with parts of their own, not those of a more general object."""
        return tuple(name for name in self.objects if name not in self._general)

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All (object, part), everyday objects first."""
        return tuple((owner, part) for owner, parts in self._parts.items() for part in parts)

    @cached_property
    def _search(self) -> NameSearch:
        # Another word for a thing stands among the names that are that much less everyday.
        words = sorted(
            (rank + ALIAS_SETBACK * place, fold(word), word, row[0])
            for rank, row in enumerate(self._words)
            for place, word in enumerate(row)
        )
        return NameSearch(word[1:] for word in words)

    def search(self, text: str, limit: int = 10, *, of: str | None = None) -> tuple[str, ...]:
        """Names that someone who typed ``text`` may have in mind; see ``matches``."""
        return tuple(match.name for match in self.matches(text, limit, of=of))

    def matches(self, text: str, limit: int = 10, *, of: str | None = None) -> tuple[Match, ...]:
        """Suggestions for a word that is being typed.

        Words that are the text come first, then those that begin with it, those with a later word
        that does, those that hold it, those that are a slip or two away; within each, the more
        everyday first.

        Args:
            text: what was typed so far; nothing suggests the most everyday names.
            limit: how many concepts at most.
            of: an object whose parts come before all other names.
        """
        key = fold(text)
        if limit <= 0:
            return ()
        first = rank_among(key, [(fold(part), part) for part in self.parts_of(of)]) if of else []
        found = {match.name: match for match in first[:limit]}
        if len(found) < limit:
            for match in self._search.find(key, limit):
                found.setdefault(match.name, match)
        return tuple(found.values())[:limit]
