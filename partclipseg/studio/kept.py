"""What a visitor takes away: the parts as they are on screen, renamed, merged or left out.

The browser sends no masks for a download. It names the questions and which of their parts each
layer is made of; the masks come from the answers, at the photo's full size.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partclipseg.errors import InputError
from partclipseg.prompts import MAX_NAME_LENGTH
from partclipseg.results import PartMask, Segmentation
from partclipseg.studio.asks import MALFORMED, Ask, mapping, rows
from partclipseg.studio.engine import combined

RUNS_LIMIT = 10


@dataclass(frozen=True)
class Layer:
    """One layer on screen.

    Attributes:
        sources: (question, part) numbers; several where layers were merged.
        label: the visitor's own name, None where it is the answer's.
        colour: ``#rrggbb`` as on screen, None for the answer's.
    """

    sources: tuple[tuple[int, int], ...]
    label: str | None = None
    colour: str | None = None

    @classmethod
    def read(cls, payload: Any) -> "Layer":
        """From what the browser sent.

        Raises:
            InputError: it is not of that form.
        """
        fields = mapping(payload)
        label, colour = fields.get("label"), fields.get("colour")
        if not (label is None or (isinstance(label, str) and label.strip())):
            raise InputError(MALFORMED)
        if not (colour is None or (isinstance(colour, str) and _COLOUR.fullmatch(colour))):
            raise InputError(MALFORMED)
        sources = tuple(_pair(row) for row in rows(fields.get("sources")))
        if not sources:
            raise InputError(MALFORMED)
        return cls(sources, label.strip()[:MAX_NAME_LENGTH] if label else None, colour)


@dataclass(frozen=True)
class Kept:
    """The questions whose answers are on screen, and the layers made of them."""

    asks: tuple[Ask, ...]
    layers: tuple[Layer, ...]

    @classmethod
    def read(cls, payload: Any) -> "Kept":
        """From what the browser sent.

        Raises:
            InputError: it is not of that form.
        """
        fields = mapping(payload)
        asks = rows(fields.get("runs"))
        if len(asks) > RUNS_LIMIT:
            raise InputError(MALFORMED)
        layers = tuple(Layer.read(layer) for layer in rows(fields.get("layers")))
        return cls(tuple(Ask.read(ask) for ask in asks), layers)

    def segmentation(self, answers: Sequence[Segmentation]) -> Segmentation:
        """The layers as one result, from the answers to ``asks`` in their order.

        Raises:
            InputError: nothing is shown.
        """
        parts = [part for layer in self.layers if (part := _part(layer, answers)) is not None]
        if not parts:
            raise InputError("There is nothing to save yet: find or show a part first.")
        return combined(list(answers), tuple(parts))


def _part(layer: Layer, answers: Sequence[Segmentation]) -> PartMask | None:
    """The layer at full size; None if none of its sources exists."""
    sources = [
        # A copy: a part keeps its decoded mask, and the cached answer should stay small.
        replace(answers[run].parts[index])
        for run, index in layer.sources
        if run < len(answers) and index < len(answers[run].parts)
    ]
    if not sources:
        return None
    first = sources[0]
    colour = layer.colour or first.colour
    if layer.label is None and len(sources) == 1:
        return replace(first, colour=colour)
    label = layer.label or first.label
    before, found, after = label.partition(": ")
    owner, part = (before, after) if found else (None, label)
    if len(sources) == 1:
        # The scores told how well the old name fits.
        return replace(
            first, label=label, object=owner, part=part, colour=colour, similarity=None,
            probability=None,
        )  # fmt: skip
    union = np.logical_or.reduce([source.mask for source in sources])
    return PartMask.from_mask(union, label=label, object=owner, part=part, colour=colour)


_COLOUR = re.compile("#[0-9a-fA-F]{6}")


def _pair(row: Any) -> tuple[int, int]:
    if not isinstance(row, list) or len(row) != 2:
        raise InputError(MALFORMED)
    if not all(type(number) is int and number >= 0 for number in row):
        raise InputError(MALFORMED)
    return row[0], row[1]
