"""The model, loaded once, and what it has worked out, kept within bounds, for all visitors.

Nothing in here belongs to a visitor: photos are known by the digest of their pixels, answers by
photo and question.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from partclipseg import images
from partclipseg.errors import InputError
from partclipseg.results import Labels, PartMask, Segmentation
from partclipseg.studio.asks import Ask
from partclipseg.studio.cache import BoundedCache
from partclipseg.studio.words import recoloured
from partclipseg.studio.zerogpu import lent

if TYPE_CHECKING:
    from partclipseg.labelling import Guesses

log = logging.getLogger(__name__)

ANSWERS_LIMIT = 64 * 2**20


class Encoded(Protocol):
    """As much of an encoded photo as the studio looks at."""

    @property
    def photo(self) -> images.Photo:
        """The decoded photo."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""


class Predictor(Protocol):
    """The part of ``partclipseg.PartPredictor`` that the studio uses."""

    @property
    def name(self) -> str:
        """The model's name."""

    def encode(self, image: Any) -> Any:
        """Photo -> encoded photo."""

    def predict(
        self,
        points: Any = None,
        point_labels: Any = None,
        boxes: Any = None,
        mask: Any = None,
        text: str | None = None,
        granularity: str | None = None,
        *,
        photo: Any = None,
    ) -> Segmentation:
        """Clicks, boxes and words -> masks."""

    def segment(self, text: str, *, threshold: float = 0.5, photo: Any = None) -> Segmentation:
        """Words -> masks."""

    def everything(
        self, vocabulary: Any = None, *, photo: Any = None, progress: Callable[[float], None] = ...
    ) -> Segmentation:
        """All masks; told how far it is, and stopped by what that raises."""

    def label(self, masks: Any, names: Sequence[str], *, photo: Any = None) -> Labels:
        """Masks -> how similar they are to names."""

    def similarity(self, text: str, photo: Any = None) -> dict[str, np.ndarray]:
        """Words -> cosines of all pixels."""

    def prepare_names(self, progress: Callable[[float], None] | None = None) -> None:
        """Read the whole vocabulary; told the share that is read; may raise, to stop."""

    def what_is(self, mask: np.ndarray, limit: int = 10, *, photo: Any = None) -> "Guesses":
        """A mask -> what it may be called, out of the whole vocabulary."""

    def facts(self) -> dict[str, Any]:
        """What the model says of itself."""


@dataclass(frozen=True)
class Answer:
    """A segmentation and how long the model took for it."""

    segmentation: Segmentation
    milliseconds: float


class Engine:
    """One for the whole app.

    Args:
        load: makes the predictor; called at most once, by whoever needs it first.
        photo_bytes: memory for encoded photos.
        max_megapixels: larger photos are refused.
    """

    def __init__(
        self, load: Callable[[], Predictor], photo_bytes: int, max_megapixels: int = 50
    ) -> None:
        self._load = load
        self._max_megapixels = max_megapixels
        self._predictor: Predictor | None = None
        self._lock = threading.Lock()
        self._photos: BoundedCache[str, Encoded] = BoundedCache(photo_bytes, lambda e: e.nbytes)
        self._answers: BoundedCache[tuple[str, Ask], Answer] = BoundedCache(ANSWERS_LIMIT, _weight)

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._predictor is not None

    def predictor(self) -> Predictor:
        """The one predictor; the first caller loads it and the others wait."""
        with self._lock:
            if self._predictor is None:
                began = time.perf_counter()
                self._predictor = lent(self._load())
                log.info("model loaded in %.1f s", time.perf_counter() - began)
            return self._predictor

    def warm(self) -> None:
        """Load the model in the background; a failure is told to the first who asks."""

        def load() -> None:
            try:
                self.predictor()
            except Exception:
                log.exception("the model could not be loaded")

        threading.Thread(target=load, name="load-model", daemon=True).start()

    def known(self, digest: str) -> Encoded | None:
        """The encoded photo, if it is still kept."""
        return self._photos.get(digest)

    def encode(self, photo: images.Photo) -> tuple[Encoded, float]:
        """The encoded photo and the milliseconds that it took, 0 if it was known.

        Raises:
            InputError: a photo that is too large for this app.
        """
        self._check_size(photo)
        known = self.known(photo.digest)
        if known is not None:
            return known, 0.0
        predictor = self.predictor()
        began = time.perf_counter()
        encoded: Encoded = predictor.encode(photo)
        took = 1000 * (time.perf_counter() - began)
        self._photos.put(photo.digest, encoded)
        return encoded, took

    def answer(
        self,
        encoded: Encoded,
        ask: Ask,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Answer:
        """What the model says; the same question on the same photo is answered from memory.

        Args:
            progress: told the share of a slow answer that is done; may raise, to stop it.

        Raises:
            InputError: prompts or words that cannot be used.
        """
        key = (encoded.photo.digest, ask)
        known = self._answers.get(key)
        if known is not None:
            return known
        predictor = self.predictor()
        began = time.perf_counter()
        found = recoloured(_ask(predictor, encoded, ask, progress), ask.text)
        answer = Answer(found, 1000 * (time.perf_counter() - began))
        self._answers.put(key, answer)
        return answer

    def answer_once(
        self,
        photo: images.Photo,
        ask: Ask,
        threshold: float = 0.5,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Segmentation:
        """What the model says of a photo that nobody asks about again.

        Nothing of it is kept: a hundred photos in a row would leave no room for those of others.

        Args:
            ask: "text" or "everything".
            threshold: (0, 1), how sure a pixel must be; for "text" alone.
            progress: as in ``answer``.

        Raises:
            InputError: a photo that is too large, or words that cannot be used.
        """
        self._check_size(photo)
        predictor = self.predictor()
        encoded = self.known(photo.digest) or predictor.encode(photo)
        if ask.kind == "text":
            found = predictor.segment(ask.text, threshold=threshold, photo=encoded)
        else:
            found = _ask(predictor, encoded, ask, progress)
        return recoloured(found, ask.text)

    def _check_size(self, photo: images.Photo) -> None:
        if photo.width * photo.height > self._max_megapixels * 1_000_000:
            raise InputError(
                f"The photo is {photo.width} x {photo.height} pixels; this app opens at most "
                f"{self._max_megapixels} megapixels, so scale it down."
            )


def _ask(
    predictor: Predictor, encoded: Encoded, ask: Ask, progress: Callable[[float], None]
) -> Segmentation:
    if ask.kind == "text":
        return predictor.segment(ask.text, photo=encoded)
    if ask.kind == "everything":
        return predictor.everything(ask.text or None, photo=encoded, progress=progress)
    return predictor.predict(
        points=[point[:2] for point in ask.points] or None,
        point_labels=[point[2] for point in ask.points] or None,
        boxes=list(ask.boxes) or None,
        mask=ask.mask.at(encoded.photo.width, encoded.photo.height) if ask.mask else None,
        text=ask.text or None,
        photo=encoded,
    )


def combined(segmentations: list[Segmentation], parts: tuple[PartMask, ...]) -> Segmentation:
    """Parts of several answers about one photo as one segmentation."""
    return replace(segmentations[0], parts=parts, messages=(), timings={})


def _weight(answer: Answer) -> int:
    return 512 + sum(len(str(p.rle["counts"])) + 512 for p in answer.segmentation.parts)
