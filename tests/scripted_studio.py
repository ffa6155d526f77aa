"""A predictor without a model, for the studio: it answers at once, and its answers can be foretold.

Words: the n-th name is the n-th of equal vertical stripes of the photo. Clicks: discs around the
first positive click, the smaller the finer. A box or a painted mask: itself. Similarity grows from
left to right; every part may be a hubcap. Run as a program it serves the studio:
``PYTHONPATH=. python tests/scripted_studio.py PORT``.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from partclipseg import images, prompts, studio
from partclipseg.errors import InputError
from partclipseg.results import Labels, PartMask, Segmentation

RADII = {"part": 0.12, "whole": 0.3, "subpart": 0.05}
"""Of the photo's shorter side, best first."""


@dataclass(frozen=True)
class Encoded:
    photo: images.Photo

    @property
    def nbytes(self) -> int:
        return int(self.photo.array.nbytes)


@dataclass(frozen=True)
class Name:
    """As ``partclipseg.naming.MaskName``, for which torch is not needed."""

    query: prompts.Query
    similarity: float
    probability: float


@dataclass(frozen=True)
class Guesses:
    names: tuple[Name, ...]
    objects: tuple[Name, ...]
    parts: tuple[Name, ...]


def _name(label: str, similarity: float, probability: float) -> Name:
    return Name(prompts.parse(label).queries[0], similarity, probability)


GUESSES = Guesses(
    names=(_name("hubcap", 0.62, 0.5), _name("${7*6}", 0.31, 0.1), _name("sky", -0.1, 0.001)),
    objects=(_name("car:", 0.5, 0.8), _name("truck:", 0.4, 0.15)),
    parts=(
        _name("car: wheel", 0.6, 0.7),
        _name("car:", 0.3, 0.1),
        _name("truck: tyre", 0.2, 0.004),
    ),
)
FACTS: dict[str, Any] = {
    "training_sets": {"cars": 350, "rooms": 1424, "<b>elsewhere</b>": 3},
    "terms": "For research only: trained on photos of ImageNet, and of sets without a licence; see "
    "docs/model_card.md.",
    "parameters": 22_900_000,
    "steps": 2850,
    "batch": 8,
    "text_tower": {"cosine": 0.8945, "phrases": 4000},
    "measured": {"one click, best of 3": 0.57},
}


class ScriptedPredictor:
    """
    Attributes:
        asked: every question in order, with its arguments.
        pause: seconds that every question takes.
        steps: of which "everything" tells; each takes as long.
    """

    name = "scripted"

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.steps = 0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.encoded: list[str] = []
        self.busy = 0
        self.busiest = 0
        self._lock = threading.Lock()

    def encode(self, image: images.Photo) -> Encoded:
        self.encoded.append(image.digest)
        return Encoded(image)

    def segment(self, text: str, *, threshold: float = 0.5, photo: Encoded) -> Segmentation:
        self._note("segment", text=text, threshold=threshold)
        parsed = prompts.parse(text)
        height, width = photo.photo.array.shape[:2]
        parts, missing = [], []
        for index, query in enumerate(parsed.queries):
            if query.object == "unicorn":
                missing.append("No unicorn was found in the photo.")
                continue
            mask = np.zeros((height, width), bool)
            edges = [width * at // len(parsed.queries) for at in (index, index + 1)]
            mask[:, slice(*edges)] = True
            parts.append(
                PartMask.from_mask(
                    mask, label=query.label, object=query.object, part=query.part,
                    similarity=0.7 - index / 100, probability=0.9 - index / 10, predicted_iou=0.8,
                )
            )  # fmt: skip
        return self._result(photo, parts, (*parsed.notes, *dict.fromkeys(missing)))

    def predict(
        self,
        points: Sequence[Sequence[float]] | None = None,
        point_labels: Sequence[int] | None = None,
        boxes: Sequence[Sequence[float]] | None = None,
        mask: Any = None,
        text: str | None = None,
        granularity: str | None = None,
        *,
        photo: Encoded,
    ) -> Segmentation:
        self._note(
            "predict", points=points, point_labels=point_labels, boxes=boxes, mask=mask, text=text
        )
        height, width = photo.photo.array.shape[:2]
        given = prompts.validate(
            width, height, points=points, point_labels=point_labels, boxes=boxes, mask=mask,
            text=text,
        )  # fmt: skip
        if not (len(given.points) or len(given.boxes) or given.mask is not None):
            raise InputError("There is no prompt: give points, boxes, a mask or text.")
        name = given.queries[0].label if given.queries else "thing"
        positive = given.points[given.point_labels == 1]
        parts = []
        if len(positive):
            rows, columns = np.mgrid[:height, :width]
            away = np.hypot(columns + 0.5 - positive[0, 0], rows + 0.5 - positive[0, 1])
            for grain, share in RADII.items():
                disc = away <= share * min(height, width)
                parts.append(
                    PartMask.from_mask(
                        disc, label=name, part=name, similarity=0.6, predicted_iou=0.7,
                        granularity=grain,
                    )
                )  # fmt: skip
        elif len(given.boxes):
            x0, y0, x1, y1 = given.boxes[0].round().astype(int)
            inside = np.zeros((height, width), bool)
            inside[y0:y1, x0:x1] = True
            parts.append(PartMask.from_mask(inside, label=name, part=name, similarity=0.6))
        elif given.mask is not None:
            painted = given.mask > 0.5
            parts.append(PartMask.from_mask(painted, label=name, part=name, similarity=0.6))
        return self._result(photo, parts, ())

    def everything(
        self,
        vocabulary: Any = None,
        *,
        photo: Encoded,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Segmentation:
        self._note("everything", vocabulary=vocabulary)
        for step in range(self.steps):
            progress(step / self.steps)
            time.sleep(self.pause)
        return self.segment("left; right", photo=photo)

    def label(self, masks: Any, names: Sequence[str], *, photo: Encoded) -> Labels:
        """The first name is the most similar, whatever the mask."""
        self._note("label", masks=masks, names=names)
        if not len(masks):
            raise InputError("Labelling needs at least one mask and one name.")
        labels = tuple(prompts.parse(name).queries[0].label for name in names)
        row = np.linspace(0.6, -0.1, len(labels), dtype=np.float32)
        similarities = np.tile(row, (len(masks), 1))
        probabilities = np.exp(similarities) / np.exp(similarities).sum(1, keepdims=True)
        return Labels(labels, similarities, probabilities)

    def similarity(self, text: str, photo: Encoded) -> dict[str, np.ndarray]:
        """From the left to the right of the photo, the n-th name up to a cosine of n tenths."""
        self._note("similarity", text=text)
        height, width = photo.photo.array.shape[:2]
        ramp = np.tile(np.linspace(0, 0.1, width, dtype=np.float32), (height, 1))
        queries = prompts.parse(text).queries
        return {query.label: ramp * n for n, query in enumerate(queries, 1)}

    def prepare_names(self, progress: Callable[[float], None] | None = None) -> None:
        self._note("prepare_names")
        for step in range(self.steps):
            if progress:
                progress(step / self.steps)
            time.sleep(self.pause)

    def what_is(self, mask: Any, limit: int = 10, *, photo: Encoded) -> Guesses:
        """The same names for every mask."""
        self._note("what_is", mask=mask, limit=limit)
        if not mask.any():
            raise InputError("The mask is empty; mark at least a few pixels.")
        return GUESSES

    def facts(self) -> dict[str, Any]:
        return FACTS

    def _note(self, kind: str, **arguments: Any) -> None:
        with self._lock:
            self.asked.append((kind, arguments))
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        time.sleep(self.pause)
        with self._lock:
            self.busy -= 1

    def _result(
        self, photo: Encoded, parts: Sequence[PartMask], messages: Sequence[str]
    ) -> Segmentation:
        found = photo.photo
        return Segmentation(
            found.name, found.width, found.height, self.name, tuple(parts), tuple(messages)
        )


def main() -> None:
    settings = studio.Settings(model="scripted", max_upload_mb=4)
    demo = studio.build(settings, load=ScriptedPredictor)
    demo.launch(server_port=int(sys.argv[1]), **studio.launch_kwargs(settings))


if __name__ == "__main__":
    main()
