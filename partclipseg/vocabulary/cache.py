"""Embeddings of a vocabulary on disk: small, bounded, and never a reason to fail."""

import hashlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

KEPT = 6  # files; one of 20,000 names of width 512 has 20 MB
MARK = b"partclipseg embeddings 1\n"
log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """``PARTCLIPSEG_CACHE``, else a folder of ours where the platform keeps a user's caches."""
    chosen = os.environ.get("PARTCLIPSEG_CACHE")
    if chosen:
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return Path(tempfile.gettempdir()) / "partclipseg"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "partclipseg"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else home / "AppData" / "Local") / "partclipseg" / "Cache"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else home / ".cache") / "partclipseg"


def fingerprint(weights: Mapping[str, np.ndarray], names: Iterable[str]) -> str:
    """What embeddings depend on, as 32 hexadecimal digits.

    Args:
        weights: of the text tower; anything but its bytes is looked at.
        names: in the order of the rows.
    """
    digest = hashlib.sha256()
    for name, values in weights.items():
        digest.update(f"{name}\0{values.nbytes}\0".encode())
        digest.update(np.ascontiguousarray(values).data)
    digest.update("\n".join(names).encode())
    return digest.hexdigest()[:32]


class EmbeddingCache:
    """A folder of embeddings, from which the longest unused go first.

    A file that is damaged counts as missing; a folder that cannot be written keeps nothing.

    Args:
        folder: None for ``cache_folder()``.
        kept: how many files may stay.
    """

    def __init__(self, folder: Path | None = None, kept: int = KEPT) -> None:
        self._folder = folder
        self.kept = kept

    @property
    def folder(self) -> Path:
        return self._folder or cache_folder()

    def path(self, key: str) -> Path:
        """Where the embeddings of a fingerprint lie, if they do."""
        return self.folder / f"vocabulary-{key}.bin"

    def read(self, key: str, shape: tuple[int, int]) -> np.ndarray | None:
        """(N, D) float16 as written, or None where there are none or they are damaged."""
        path = self.path(key)
        try:
            data = path.read_bytes()
            start = len(MARK) + 32
            body = memoryview(data)[start:]
            whole = data[:start] == MARK + hashlib.sha256(body).digest()
            if not whole or len(body) != 2 * shape[0] * shape[1]:
                log.info("The embeddings in %s are damaged and will be made anew.", path)
                return None
            os.utime(path)  # the file's time says when it was last of use
        except OSError:
            return None
        return np.frombuffer(body, np.float16).reshape(shape).copy()

    def write(self, key: str, values: np.ndarray) -> bool:
        """Keep (N, D) values as float16; False where that cannot be done."""
        body = np.ascontiguousarray(values, np.float16).tobytes()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(".tmp", "vocabulary-", self.folder)
        except OSError as error:
            log.info("Embeddings stay in memory only: %s", error)
            return False
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(MARK + hashlib.sha256(body).digest())
                file.write(body)
            temporary.replace(self.path(key))
        except OSError as error:
            log.info("Embeddings stay in memory only: %s", error)
            temporary.unlink(missing_ok=True)
            return False
        self._forget()
        return True

    def _forget(self) -> None:
        """Delete the longest unused files beyond ``kept``; others may be doing the same.

        What writers that were killed have left goes too, once it is an hour old.
        """
        for path in self.folder.glob("vocabulary-*.tmp"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > 3600:
                    path.unlink()
        dated = []
        for path in self.folder.glob("vocabulary-*.bin"):
            with suppress(OSError):
                dated.append((path.stat().st_mtime, path))
        for _, path in sorted(dated, reverse=True)[self.kept :]:
            with suppress(OSError):
                path.unlink()
