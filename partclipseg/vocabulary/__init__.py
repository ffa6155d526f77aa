"""Names to call things by when nobody asked for particular ones."""

import json
from functools import cache
from pathlib import Path

COMMON_FILE = Path(__file__).parent / "common.json"


@cache
def common() -> dict[str, tuple[str, ...]]:
    """Everyday objects with their parts: ``{"car": ("wheel", "door", ...), ...}``."""
    data = json.loads(COMMON_FILE.read_text(encoding="utf-8"))
    return {owner: tuple(parts) for owner, parts in data.items()}
