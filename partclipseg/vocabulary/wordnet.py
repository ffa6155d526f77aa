"""Reading WordNet's noun files, as Debian's wordnet-base installs them (format: wndb(5WN))."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from partclipseg.errors import InputError


@dataclass(frozen=True)
class Synset:
    """One meaning.

    Attributes:
        file: number of the lexicographer file, lexnames(5WN): 5 animal, 6 artifact, ...
        lemmas: its words with blanks instead of underscores; ``keys`` their sense keys.
        pointers: (symbol, offset of another noun) as wninput(5WN) lists them: ``@`` is a kind of,
            ``@i`` an instance of, ``%p`` has as a part.
        usage: (number of the lemma or 0 for all, offset of the domain) of every ``;u`` pointer.
        gloss: definition and examples.
    """

    file: int
    lemmas: tuple[str, ...]
    keys: tuple[str, ...]
    pointers: tuple[tuple[str, str], ...]
    usage: tuple[tuple[int, str], ...] = ()
    gloss: str = field(default="", repr=False)

    def targets(self, *symbols: str) -> list[str]:
        """Offsets that the pointers of these symbols lead to."""
        return [offset for symbol, offset in self.pointers if symbol in symbols]


def read_synsets(path: Path) -> dict[str, Synset]:
    """``data.noun`` -> offset (8 digits) -> synset, in the order of the file.

    Raises:
        InputError: there is no such file.
    """
    return dict(_synset(line) for line in _lines(path))


def read_senses(path: Path) -> dict[str, tuple[str, ...]]:
    """``index.noun`` -> lemma in lower case -> offsets of its senses, the most frequent first.

    Raises:
        InputError: there is no such file.
    """
    senses = {}
    for line in _lines(path):
        fields = line.split()
        senses[fields[0].replace("_", " ")] = tuple(fields[-int(fields[2]) :])
    return senses


def read_counts(path: Path) -> Mapping[str, int]:
    """``cntlist.rev`` -> sense key -> times it was met in tagged text; empty without the file."""
    if not path.is_file():
        return {}
    rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {row[0]: int(row[2]) for row in rows}


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"WordNet's noun file {path} is missing: install wordnet-base.")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(" ")]  # the licence is indented


def _synset(line: str) -> tuple[str, Synset]:
    head, _, gloss = line.partition(" | ")
    fields = head.split()
    count = int(fields[3], 16)
    words = [(fields[4 + 2 * i], int(fields[5 + 2 * i], 16)) for i in range(count)]
    file = int(fields[1])
    rest = fields[4 + 2 * count + 1 :]
    links = [rest[i : i + 4] for i in range(0, len(rest) - 3, 4)]
    return fields[0], Synset(
        file=file,
        lemmas=tuple(word.replace("_", " ") for word, _ in words),
        keys=tuple(f"{word.lower()}%1:{file:02}:{number:02}::" for word, number in words),
        pointers=tuple((symbol, target) for symbol, target, kind, _ in links if kind == "n"),
        usage=tuple((int(ends[:2], 16), at) for symbol, at, _, ends in links if symbol == ";u"),
        gloss=gloss.strip(),
    )
