"""What the app says of its model: what the checkpoint says of itself, taken with care.

A checkpoint may come from anywhere and its metadata may hold anything, so every field is checked
and one of another form is left out. The sentences around it are in ``strings``.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from partclipseg.studio.engine import Predictor

MOST_ROWS = 40
LONGEST = 400  # characters of a text
TEXT_TOWER = {"cosine": "text_cosine", "nearest_neighbour": "text_neighbour"}


def about(predictor: Predictor, model: str) -> dict[str, Any]:
    """The facts for the visitor.

    Args:
        model: the name that was given to ``partclipseg.load``.

    Returns:
        {"model", "recognizer", "parameters", "bytes", "sets", "steps", "batch", "terms",
        "measured"}: ``sets`` are (name, photos) and ``measured`` (name, number) pairs, all else is
        None where it is not known.
    """
    facts = predictor.facts()
    sets = _numbers(facts.get("training_sets"))
    tower = dict(_numbers(facts.get("text_tower")))
    measured = [(name, tower[key]) for key, name in TEXT_TOWER.items() if key in tower]
    return {
        "model": predictor.name,
        "recognizer": _text(facts.get("recognizer")),
        "parameters": _number(facts.get("parameters")),
        "bytes": _file_size(model),
        "sets": sets,
        "steps": _number(facts.get("steps")),
        "batch": _number(facts.get("batch")),
        "terms": _text(facts.get("terms")),
        "measured": [*measured, *_numbers(facts.get("measured"))],
    }


def _file_size(model: str) -> int | None:
    """Bytes of the checkpoint, where it is a file of its own."""
    if model == "lite":
        from partclipseg.loading import bundled_checkpoint  # torch comes with it

        path = bundled_checkpoint()
    else:
        path = Path(model)
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):
        return None


def _numbers(value: Any) -> list[tuple[str, float]]:
    if not isinstance(value, Mapping):
        return []
    rows = [(str(name)[:LONGEST], _number(number)) for name, number in value.items()]
    return [(name, number) for name, number in rows if number is not None][:MOST_ROWS]


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _text(value: Any) -> str | None:
    return value[:LONGEST] if isinstance(value, str) and value.strip() else None
