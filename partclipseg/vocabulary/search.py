"""Search as you type over tens of thousands of words, fast enough for every key stroke."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

LONGEST = 40  # characters of a query that are compared letter by letter
KINDS = ("exact", "prefix", "word", "substring", "fuzzy")


@dataclass(frozen=True)
class Match:
    """A suggestion.

    Attributes:
        name: the concept's name.
        word: the word for it that was hit, ``"tyre"`` for the tire.
        kind: one of ``KINDS``, best first.
    """

    name: str
    word: str
    kind: str


class NameSearch:
    """Finds words by their beginnings, by what they hold and by how they nearly read.

    Args:
        words: (folded word, word, name of the concept), the most everyday first.
    """

    def __init__(self, words: Iterable[tuple[str, str, str]]) -> None:
        self._words = [row for row in words if row[0]]
        # One text of all words in order: a scan by str.find meets the everyday ones first.
        self._text = "\n" + "".join(f"{key}\n" for key, _, _ in self._words)
        lengths = np.array([len(key) + 1 for key, _, _ in self._words], np.int64)
        self._starts = np.concatenate([[1], 1 + np.cumsum(lengths)])[: len(lengths)]
        self._letters = np.zeros((len(self._words), LONGEST + 2), np.uint8)
        for row, (key, _, _) in zip(self._letters, self._words, strict=True):
            code = np.frombuffer(_ascii(key), np.uint8)[: LONGEST + 2]
            row[: len(code)] = code
        self._bags = np.array([_bag(key) for key, _, _ in self._words], np.uint64)

    def find(self, key: str, limit: int) -> list[Match]:
        """Matches of a folded query, one a concept, best first."""
        everything = ((index, "prefix") for index in range(len(self._words)))
        found: dict[str, Match] = {}
        for index, kind in self._candidates(key) if key else everything:
            _, word, name = self._words[index]
            found.setdefault(name, Match(name, word, kind))
            if len(found) == limit:
                break
        return list(found.values())

    def _candidates(self, key: str) -> Iterator[tuple[int, str]]:
        yield from ((i, "exact") for i in self._scan(f"\n{key}\n"))
        yield from ((i, "prefix") for i in self._scan(f"\n{key}"))
        yield from ((i, "word") for i in self._scan(f" {key}"))
        if len(key) > 1:
            yield from ((i, "substring") for i in self._scan(key))
        yield from ((i, "fuzzy") for i in self._similar(key))

    def _scan(self, piece: str) -> Iterator[int]:
        """Indices of the words that hold the piece, in order."""
        at = self._text.find(piece)
        while at >= 0:
            index = int(np.searchsorted(self._starts, at + (piece[0] == "\n"), "right")) - 1
            yield index
            # On to the line break before the next word: it may be the beginning of the piece.
            at = self._text.find(piece, self._text.index("\n", at + (piece[0] == "\n")))

    def _similar(self, key: str) -> Sequence[int]:
        """Words that begin, but for a slip or two, as the query reads; the nearest first."""
        allowed = allowed_slips(key)
        key = key[:LONGEST]
        if not allowed:
            return []
        missing = np.bitwise_count(np.uint64(_bag(key)) & ~self._bags)
        rows = np.flatnonzero(missing <= allowed)
        slips = slips_to_beginning(key, self._letters[rows, : len(key) + allowed].T)
        near = np.flatnonzero(slips <= allowed)
        order: list[int] = rows[near[np.argsort(slips[near], kind="stable")]].tolist()
        return order


def allowed_slips(key: str) -> int:
    """How many letters may be wrong: none in very short words, two in long ones."""
    return 0 if len(key) < 3 else 1 if len(key) < 6 else 2


def slips_to_beginning(key: str, letters: np.ndarray) -> np.ndarray:
    """Edit distance of a query to the nearest beginning of each word.

    An insertion, a deletion, a wrong letter and two letters swapped count one each (optimal string
    alignment). Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit
    distances", 2003, one machine word a vocabulary word, all words at once.

    Args:
        key: at most 63 characters.
        letters: (L, N) uint8, the words' first L letters, 0 behind their ends.

    Returns:
        (N,) int64.
    """
    one, top = np.uint64(1), np.uint64(len(key) - 1)
    places = np.zeros(256, np.uint64)
    for place, code in enumerate(_ascii(key)):
        places[code] |= one << np.uint64(place)
    count = letters.shape[1]
    plus, minus = np.full(count, ~np.uint64(0)), np.zeros(count, np.uint64)
    diagonal, before = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    score = np.full(count, len(key), np.int64)
    best = score.copy()
    for column in letters:
        same = places[column]
        swapped = ((~diagonal & same) << one) & before
        diagonal = (((same & plus) + plus) ^ plus) | same | minus | swapped
        up, down = minus | ~(diagonal | plus), diagonal & plus
        score += ((up >> top) & one).astype(np.int64) - ((down >> top) & one).astype(np.int64)
        up, down = (up << one) | one, down << one
        plus, minus = down | ~(diagonal | up), up & diagonal
        before = same
        np.minimum(best, score, out=best)
    return best


def rank_among(key: str, words: Sequence[tuple[str, str]]) -> list[Match]:
    """The same ranking over a few (folded word, name): an object's parts."""
    tests = (
        lambda word: word == key,
        lambda word: word.startswith(key),
        lambda word: f" {key}" in word,
        lambda word: key in word,
    )
    kinds = ((next((i for i, t in enumerate(tests) if t(word)), None), n) for word, n in words)
    found = [(kind, name) for kind, name in kinds if kind is not None]
    return [Match(name, name, KINDS[kind]) for kind, name in sorted(found, key=lambda f: f[0])]


def _ascii(key: str) -> bytes:
    return key.encode("ascii", "replace")


def _bag(key: str) -> int:
    """Which of a to z occur, a bit each."""
    return sum(1 << (ord(c) - 97) for c in set(key) if "a" <= c <= "z")
