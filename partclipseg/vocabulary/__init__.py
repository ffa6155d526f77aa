"""Names of things and of their parts: what to suggest, and what to call what nobody named."""

import json
import threading
from functools import cache
from pathlib import Path

from partclipseg.vocabulary.concepts import Match, Vocabulary

__all__ = ["Match", "Vocabulary", "common", "load"]

COMMON_FILE = Path(__file__).parent / "common.json"
FILE = Path(__file__).parent / "wordnet.json.gz"  # made by scripts/build_vocabulary.py

_lock = threading.Lock()
_loaded: Vocabulary | None = None


def load() -> Vocabulary:
    """The vocabulary, read at the first call and shared by all threads."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = Vocabulary.read(FILE)
        return _loaded


@cache
def common() -> dict[str, tuple[str, ...]]:
    """Everyday objects with their parts: ``{"car": ("wheel", "door", ...), ...}``."""
    data = json.loads(COMMON_FILE.read_text(encoding="utf-8"))
    return {owner: tuple(parts) for owner, parts in data.items()}
