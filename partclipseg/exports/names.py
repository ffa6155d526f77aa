"""Names of files that hold on every system, and files that are written whole or not at all."""

import re
import time
import unicodedata
import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from partclipseg.images import SUFFIXES

RESERVED = {"con", "prn", "aux", "nul", *(f"{k}{i}" for k in ("com", "lpt") for i in range(1, 10))}
TEMPORARY = ".partclipseg-*.part"
ABANDONED = 3600  # seconds after which nobody is writing any more
EDGES = "._- "  # hidden files, options of a shell, endings that Windows drops


def safe_stem(name: str, longest: int = 80) -> str:
    """A file name's stem from any text, at most ``longest`` characters and 2.5 times the bytes.

    Letters, digits and marks of all scripts stay; separators and all else become "_". A photo's
    ending is dropped, and names that Windows reserves are avoided.
    """
    # NFKC first: it turns some single characters into separators and digits.
    plain = unicodedata.normalize("NFKC", name)
    kept = "".join(c if c in "-." or unicodedata.category(c)[0] in "LMN" else "_" for c in plain)
    stem = re.sub("__+", "_", kept)
    if stem.lower().endswith(tuple(SUFFIXES)):
        stem = stem[: stem.rindex(".")]
    stem = stem.strip(EDGES)
    if not stem or stem.split(".")[0].casefold() in RESERVED:
        stem = f"photo_{stem}"
    stem = stem[:longest]
    while len(stem.encode()) > 2.5 * longest:
        stem = stem[:-1]
    return stem.strip(EDGES)


def told_apart(stems: Sequence[str], reserved: Collection[str] = ()) -> list[str]:
    """Each stem, with a number where an earlier one has it already.

    Names that differ only in case count as the same, as they do on many disks.

    Args:
        reserved: names in lower case that no stem may get.
    """
    wanted = {stem.casefold() for stem in stems} | set(reserved)
    taken = set(reserved)
    out = []
    for first in stems:
        stem, number = first, 1
        while stem.casefold() in taken or (number > 1 and stem.casefold() in wanted):
            number += 1
            stem = f"{first}_{number}"
        taken.add(stem.casefold())
        out.append(stem)
    return out


def numbered(photo: str, number: int, label: str, suffix: str) -> str:
    """``car_01_front_door.png``: the name of one part's file, at most 210 bytes.

    The number keeps parts of one label apart, also where a disk takes "A" and "a" for the same.
    """
    return f"{safe_stem(photo, 40)}_{number:02d}_{safe_stem(label, 40)}{suffix}"


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write to a temporary name in the same folder, then rename. Raises OSError."""
    path = Path(path)
    temporary = path.with_name(TEMPORARY.replace("*", uuid.uuid4().hex))
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sweep(folder: Path, pattern: str = TEMPORARY) -> None:
    """Remove the unfinished files that writers have left who were killed."""
    for path in folder.glob(pattern):
        with suppress(OSError):  # another process may be doing the same
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
