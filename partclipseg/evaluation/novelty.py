"""Seen and novel names apart: what a model makes of words that no training mask ever had.

A class "object: part" is novel by its object ("fox: ear") or, of an object that was seen, by its
part ("bird: beak"). All names of an object compete with one another, novel and seen alike, as in
generalised zero-shot segmentation; only the averages are split.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from partclipseg.errors import InputError
from partclipseg.evaluation.metrics import mean
from partclipseg.evaluation.report import Row, rounded


@dataclass(frozen=True)
class Novel:
    """Names that were kept out of training, compared without regard to case."""

    objects: frozenset[str]
    parts: frozenset[str]

    @classmethod
    def of(cls, objects: Collection[str], parts: Collection[str]) -> "Novel":
        return cls(
            frozenset(name.casefold() for name in objects),
            frozenset(name.casefold() for name in parts),
        )

    def group(self, name: str) -> str:
        """``seen``, ``novel_objects`` or ``novel_parts`` for a class ``"object: part"``."""
        owner, _, part = name.casefold().partition(": ")
        if owner in self.objects:
            return "novel_objects"
        return "novel_parts" if part in self.parts else "seen"


def read(path: Path) -> Novel:
    """Read ``{"objects": ["fox"], "parts": ["beak"]}``; other keys are left alone.

    Raises:
        InputError: where that is not what the file holds.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        lists = [data.get("objects", []), data.get("parts", [])]
        if not all(isinstance(row, list) and all(isinstance(n, str) for n in row) for row in lists):
            raise ValueError("not lists of names")
        return Novel.of(*lists)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f'"{path}" cannot be read as novel names; the form is '
            '{"objects": ["fox"], "parts": ["beak"]}.'
        ) from error


def split(
    per_class: Mapping[str, Row], single: Mapping[str, Sequence[float]], novel: Novel
) -> dict[str, dict[str, float | int | None]]:
    """Averages over seen and novel classes, and the harmonic mean of the two.

    Args:
        per_class: ``{"object: part": {"iou", "count"}}`` of the classes that occur.
        single: the IoU of each single part, by class.

    Returns:
        ``seen``, ``novel_objects``, ``novel_parts``, ``novel`` (both kinds) -> ``classes``,
        ``count``, ``miou``, ``mean_iou``; ``harmonic`` -> ``miou``, ``mean_iou`` of seen and novel.
    """
    groups: dict[str, list[str]] = {"seen": [], "novel_objects": [], "novel_parts": []}
    for name in per_class:
        groups[novel.group(name)].append(name)
    groups["novel"] = groups["novel_objects"] + groups["novel_parts"]
    rows = {group: _row(names, per_class, single) for group, names in groups.items()}
    rows["harmonic"] = {
        figure: harmonic(rows["seen"][figure], rows["novel"][figure])
        for figure in ("miou", "mean_iou")
    }
    return {group: rounded(row) for group, row in rows.items()}


def harmonic(a: float | int | None, b: float | int | None) -> float | None:
    """The harmonic mean of two figures, None where one is missing."""
    if a is None or b is None:
        return None
    return 2 * a * b / (a + b) if a + b else 0.0


def _row(
    names: Sequence[str], per_class: Mapping[str, Row], single: Mapping[str, Sequence[float]]
) -> dict[str, float | int | None]:
    figures = [per_class[name] for name in names]
    return {
        "classes": len(names),
        "count": sum(int(row["count"] or 0) for row in figures),
        "miou": mean(float(row["iou"] or 0) for row in figures),
        "mean_iou": mean(score for name in names for score in single.get(name, ())),
    }
