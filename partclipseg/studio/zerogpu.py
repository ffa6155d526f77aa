"""ZeroGPU Spaces: a GPU is lent for the length of one call, which runs in a process of its own.

Only what can be pickled gets there and back: the pixels and the prompts go, the result comes. An
encoded photo stays there, so every question encodes its photo anew, which a GPU does in some
milliseconds. Everywhere else nothing here is used, and the package ``spaces`` is not needed.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from partclipseg import images
from partclipseg.errors import PartCLIPSegError
from partclipseg.results import Labels, Segmentation

if TYPE_CHECKING:
    from partclipseg.labelling import Guesses
    from partclipseg.studio.engine import Predictor

LONGEST_CALL = 30
"""Seconds that one call may take; the shorter, the sooner a GPU is lent."""

# As the package itself reads it.
ACTIVE = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")

_predictor: Any = None  # the lent processes are forks of this one and find it here


def lent(predictor: "Predictor") -> "Predictor":
    """The predictor, on a ZeroGPU Space one that does its work on lent GPUs."""
    if not ACTIVE:
        return predictor
    global _predictor
    _predictor = predictor
    return LentPredictor(predictor.name)


@dataclass(frozen=True)
class Waiting:
    """A photo that is encoded when it is asked about."""

    photo: images.Photo

    @property
    def nbytes(self) -> int:
        """Memory of the pixels in bytes."""
        return int(self.photo.array.nbytes)


@dataclass(frozen=True)
class LentPredictor:
    """``studio.engine.Predictor`` in another process."""

    name: str

    def encode(self, image: images.Photo) -> Waiting:
        """Nothing yet: see the module."""
        return Waiting(image)

    def predict(
        self, points: Any = None, point_labels: Any = None, boxes: Any = None, mask: Any = None,
        text: str | None = None, granularity: str | None = None, *, photo: Any = None,
    ) -> Segmentation:  # fmt: skip
        """Clicks, boxes and words -> masks."""
        arguments = {"points": points, "point_labels": point_labels, "boxes": boxes, "mask": mask,
                     "text": text, "granularity": granularity}  # fmt: skip
        return _ask("predict", photo, arguments)

    def segment(self, text: str, *, threshold: float = 0.5, photo: Any = None) -> Segmentation:
        """Words -> masks."""
        return _ask("segment", photo, {"text": text, "threshold": threshold})

    def everything(
        self, vocabulary: Any = None, *, photo: Any = None, progress: Any = None
    ) -> Segmentation:
        """All masks; nothing is heard of the progress."""
        return _ask("everything", photo, {"vocabulary": vocabulary})

    def label(self, masks: Any, names: Sequence[str], *, photo: Any = None) -> Labels:
        """Masks -> how similar they are to names."""
        return _ask("label", photo, {"masks": masks, "names": names})

    def similarity(self, text: str, photo: Any = None) -> dict[str, np.ndarray]:
        """Words -> cosines of all pixels."""
        return _ask("similarity", photo, {"text": text})

    def prepare_names(self, progress: Any = None) -> None:
        """Nothing: what is read here would not be on the lent GPU, where reading takes seconds."""

    def what_is(self, mask: np.ndarray, limit: int = 10, *, photo: Any = None) -> "Guesses":
        """A mask -> what it may be called."""
        return _ask("what_is", photo, {"mask": mask, "limit": limit})

    def facts(self) -> dict[str, Any]:
        """What the model says of itself; it is here too."""
        facts: dict[str, Any] = _predictor.facts()
        return facts


def _ask(method: str, waiting: Waiting, arguments: dict[str, Any]) -> Any:
    answer = _on_gpu(method, waiting.photo, arguments)
    if isinstance(answer, PartCLIPSegError):
        raise answer
    return answer


def _on_gpu(method: str, photo: images.Photo, arguments: dict[str, Any]) -> Any:
    """Runs in the lent process. Errors come back as values: their sentences would be lost."""
    import torch

    if torch.cuda.is_available():
        _predictor.model.to("cuda")
    try:
        return getattr(_predictor, method)(**arguments, photo=_predictor.encode(photo))
    except PartCLIPSegError as error:
        return error


if ACTIVE:
    import spaces

    # Here, when the module is imported: a Space without such a function is not started.
    _on_gpu = spaces.GPU(duration=LONGEST_CALL)(_on_gpu)
