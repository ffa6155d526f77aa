"""What an evaluation found: one flat JSON object, and a table for the terminal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partclipseg.exports import write_atomically

Row = Mapping[str, float | int | None]


@dataclass(frozen=True)
class Scores:
    """The part of a report that a protocol fills.

    Attributes:
        values: the figures of the protocol, e.g. ``{"miou": 0.41}``; None where nothing was there
            to be scored.
        mean_iou: mean IoU over every (photo, object, part) with a mask of at least 0.2% of the
            photo; None where there is none, or where the protocol predicts no masks.
        targets: how many things were asked for; the ``count`` of all classes together.
        per_class: ``"object: part"`` -> its figures, among them ``iou`` and ``count``.
        details: what else goes into the JSON, under its own keys.
    """

    values: Mapping[str, float | int | None]
    mean_iou: float | None
    targets: int
    per_class: Mapping[str, Row]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """One model on one split under one protocol; all figures are fractions, 1.0 is perfect.

    Attributes:
        ask_all: whether the names of all objects of the set were given for every photo.
        asked_with: the name of the synonyms that took the place of the set's own names, if any.
    """

    protocol: str
    data: str
    split: str
    model: str
    images: int
    seconds: float
    scores: Scores
    asked_with: str = ""
    ask_all: bool = False

    def to_json(self) -> dict[str, Any]:
        """The report as one JSON object; figures are rounded to six decimals."""
        return {
            "protocol": self.protocol,
            "data": self.data,
            "split": self.split,
            "model": self.model,
            **({"synonyms": self.asked_with} if self.asked_with else {}),
            **({"asked": "all"} if self.ask_all else {}),
            "images": self.images,
            "targets": self.scores.targets,
            "seconds": round(self.seconds, 3),
            **rounded(self.scores.values),
            "mean_iou": rounded({"mean_iou": self.scores.mean_iou})["mean_iou"],
            **self.scores.details,
            "per_class": {name: rounded(row) for name, row in self.scores.per_class.items()},
        }

    def write(self, path: Path) -> None:
        """Write the JSON so that a reader sees the old file or the new one, never half of one."""
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(path, (text + "\n").encode())

    def summary(self) -> str:
        """A few lines for the terminal: the figures, then the classes from best to worst."""
        figures = {**self.scores.values, "mean_iou": self.scores.mean_iou}
        lines = [
            f"{self.data}/{self.split}, {self.protocol}, {self.model}: {self.images} photos, "
            f"{self.scores.targets} targets, {self.seconds:.0f} s",
            "  ".join(f"{name} {_figure(value)}" for name, value in figures.items()),
        ]
        for split, row in self.scores.details.get("novel", {}).items():
            cells = (f"{name} {_figure(value)}" for name, value in row.items())
            lines.append(f"{split}: {'  '.join(cells)}")
        columns = list(next(iter(self.scores.per_class.values()), {}))
        rows = sorted(self.scores.per_class.items(), key=lambda item: _rank(item[1]))
        width = max((len(name) for name, _ in rows), default=0)
        if rows:
            lines.append(" ".join([" " * width, *(f"{column:>8}" for column in columns)]))
        for name, row in rows:
            cells = (f"{_figure(row[column]):>8}" for column in columns)
            lines.append(" ".join([f"{name:<{width}}", *cells]))
        return "\n".join(lines)


def rounded(row: Row) -> dict[str, float | int | None]:
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}


def _figure(value: float | int | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


def _rank(row: Row) -> float:
    figure = next((value for value in row.values() if value is not None), 0)
    return -figure
