"""The one door to the model for the app, the command line and the tests."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from partclipseg import images, palette, prompts
from partclipseg.decoding import (
    Decoded,
    decode,
    decode_points,
    point_grid,
    prompt_batch,
    stability,
    suppress,
)
from partclipseg.encoding import EncodedPhoto, encode_pixels
from partclipseg.errors import InputError
from partclipseg.labelling import Guesses, labeller
from partclipseg.modeling.mask_decoder import GRANULARITIES
from partclipseg.modeling.partclipseg import PartCLIPSeg
from partclipseg.naming import MaskName, Namer
from partclipseg.results import Labels, PartMask, Segmentation
from partclipseg.searching import SMALLEST, search

ImageSource = str | Path | Image.Image | np.ndarray | images.Photo
GRID = 16  # clicks along each side in "everything"
# In "everything": the predicted IoU is that with what a visitor may have meant, so it is modest
# for a lone click, where three things may be meant.
SURE_ENOUGH, STEADY_ENOUGH = 0.2, 0.25


class PartPredictor:
    """Encodes photos and answers prompts on them.

    The model is shared and read-only; a predictor is light, so make one a user. All methods but
    ``set_image`` leave it unchanged: pass ``photo=`` to answer for any encoded photo from any
    thread.

    Args:
        model: from ``partclipseg.load``.
    """

    def __init__(self, model: PartCLIPSeg) -> None:
        self.model = model
        self.namer = Namer(model)
        self.photo: EncodedPhoto | None = None

    @property
    def name(self) -> str:
        """What users call the model, e.g. ``"lite"``."""
        return self.model.name

    # Photos

    def encode(self, image: ImageSource, name: str | None = None) -> EncodedPhoto:
        """Decode and encode a photo once; the result may be shared between threads.

        Args:
            image: a path, PIL image, (H, W, 3) uint8 RGB array or ``images.Photo``; EXIF rotation,
                alpha, palette, grey, 16-bit and CMYK are taken care of.

        Raises:
            InputError: not a photo, or too small or too large.
        """
        photo = image if isinstance(image, images.Photo) else images.read(image, name=name)
        began = time.perf_counter()
        full = encode_pixels(self.model, photo.array)
        return EncodedPhoto(photo, full, self.model, 1000 * (time.perf_counter() - began))

    def set_image(self, image: ImageSource) -> EncodedPhoto:
        """``encode`` and keep the result as this predictor's current photo."""
        self.photo = self.encode(image)
        return self.photo

    def _current(self, photo: EncodedPhoto | None) -> EncodedPhoto:
        chosen = photo or self.photo
        if chosen is None:
            raise InputError("There is no photo yet: call set_image first, or pass photo=.")
        return chosen

    # Prompts

    @torch.inference_mode()
    def predict(
        self,
        points: np.ndarray | Sequence | None = None,
        point_labels: np.ndarray | Sequence | None = None,
        boxes: np.ndarray | Sequence | None = None,
        mask: np.ndarray | None = None,
        text: str | None = None,
        granularity: str | None = None,
        *,
        photo: EncodedPhoto | None = None,
    ) -> Segmentation:
        """Segment what clicks, boxes, a mask and words point at, together.

        Args:
            points: (N, 2) (x, y) pixels of the photo; point_labels (N,) 1 on the part, 0 not.
            boxes: (M, 4) or (4,) x0, y0, x1, y1 in pixels of the photo.
            mask: (H, W) bool or [0, 1] float, a rough mask of the part.
            text: names; with clicks they say which of the things under the click is meant, alone
                they are ``segment(text)``.
            granularity: "whole", "part" or "subpart" to get that mask alone.

        Returns:
            Up to three masks, the one with the best predicted IoU first.

        Raises:
            InputError: a prompt that cannot be used.
        """
        photo = self._current(photo)
        given = prompts.validate(
            photo.photo.width, photo.photo.height, points=points, point_labels=point_labels,
            boxes=boxes, mask=mask, text=text, granularity=granularity,
        )  # fmt: skip
        if not len(given.points) and not len(given.boxes) and given.mask is None:
            if not given.queries:
                raise InputError("There is no prompt: give points, boxes, a mask or text.")
            return self._by_words(photo, given.queries, 0.5, ())
        began = time.perf_counter()
        names = [q for q in given.queries if q.sign > 0]
        texts = self.namer.read(names)
        batch = prompt_batch(
            photo.full, given.points, given.point_labels, given.boxes, given.mask,
            texts[0] if len(names) == 1 else None,
        )  # fmt: skip
        decoded = decode(self.model, photo.full, batch)
        chosen = self._ranked(decoded, given.granularity)
        named = self.namer.name_masks(photo, decoded.logits[0, chosen], names)
        parts = [
            self._part(photo, decoded.logits[0, slot], name, decoded.predicted_iou[0, slot], slot)
            for slot, name in zip(chosen, named, strict=True)
        ]
        return self._result(photo, [p for p in parts if p], began)

    def segment(
        self, text: str, *, threshold: float = 0.5, photo: EncodedPhoto | None = None
    ) -> Segmentation:
        """Find named objects and parts: ``"car: wheel, front door; dog: head; handle"``.

        Objects are found first, then their parts compete inside them, against "none of these".

        Args:
            threshold: (0, 1), probability above which a pixel belongs to a name.

        Returns:
            The parts that are there; ``messages`` says what was asked for and not found.
        """
        photo = self._current(photo)
        if not isinstance(threshold, Real) or not 0 < threshold < 1:
            raise InputError(f"The threshold is {threshold!s:.40}; it must lie between 0 and 1.")
        parsed = prompts.parse(text)
        return self._by_words(photo, parsed.queries, threshold, parsed.notes)

    @torch.inference_mode()
    def everything(
        self, vocabulary: str | Sequence[str] | None = None, *, photo: EncodedPhoto | None = None,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Segmentation:  # fmt: skip
        """All masks that the decoder is sure of, named from a vocabulary.

        Args:
            vocabulary: names as a text prompt or a list; None for everyday objects and parts.
            progress: told the share that is done, 0 to 1, now and then; may raise, to stop.
        """
        photo = self._current(photo)
        began = time.perf_counter()
        names = _queries(vocabulary)
        decoded = decode_points(
            self.model, photo.full, point_grid(photo.full, GRID), SURE_ENOUGH,
            progress=lambda share: progress(0.9 * share),
        )  # fmt: skip
        logits, iou = decoded.logits.flatten(0, 1), decoded.predicted_iou.flatten()
        slot = torch.arange(len(iou)) % len(GRANULARITIES)
        masks = logits > 0
        area = masks.flatten(1).float().mean(1)
        steady = stability(logits)
        score = iou * steady
        good = (area > SMALLEST) & (iou > SURE_ENOUGH) & (steady > STEADY_ENOUGH)
        index = torch.nonzero(good).flatten()
        index = index[score[index].argsort(descending=True)][:400]
        kept = index[suppress(masks[index], score[index], 0.6, 60)] if len(index) else index
        progress(0.9)
        named = self.namer.name_masks(photo, logits[kept], names)
        parts = [
            self._part(photo, logits[i], name, iou[i], int(slot[i]))
            for i, name in zip(kept.tolist(), named, strict=True)
        ]
        found = [p for p in parts if p]
        return self._result(photo, found, began, [] if found else ["No clear region was found."])

    @torch.inference_mode()
    def label(
        self, masks: Sequence[np.ndarray] | np.ndarray, names: Sequence[str], *,
        photo: EncodedPhoto | None = None,
    ) -> Labels:  # fmt: skip
        """Part2CLIP on given masks: how similar each is to each name.

        Args:
            masks: (M, H, W) bool at the photo's size, or a list of (H, W).
            names: "car: wheel", "wheel" or "car:", one concept each.

        Returns:
            ``Labels`` with (M, N) cosines and probabilities over the names.
        """
        photo = self._current(photo)
        queries = _queries(names if isinstance(names, str) else list(names))
        width, height = photo.photo.width, photo.photo.height
        grid = [
            torch.from_numpy(photo.full.frame.mask_to_model(_checked(m, width, height)))
            for m in masks
        ]
        if not grid or not queries:
            raise InputError("Labelling needs at least one mask and one name.")
        cosine, probability = self.namer.compare(photo, torch.stack(grid), queries)
        return Labels(tuple(q.label for q in queries), cosine.numpy(), probability.numpy())

    def what_is(
        self, mask: np.ndarray, limit: int = 10, *, photo: EncodedPhoto | None = None
    ) -> Guesses:
        """What a mask may be called, out of 20,000 names: see ``labelling.Labeller.guess``.

        Args:
            mask: (H, W) bool at the photo's size.
        """
        return labeller(self.model).guess(self._current(photo), mask, limit)

    def prepare_names(self, progress: Callable[[float], None] | None = None) -> None:
        """Read the names of ``what_is`` now, once; ``progress`` as in ``Labeller.prepare``."""
        labeller(self.model).prepare(progress)

    def facts(self) -> dict[str, Any]:
        """What the checkpoint says of itself, the number of "parameters" and the "recognizer"."""
        recognizer = self.model.recognizer
        return {
            **self.model.metadata,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "recognizer": recognizer.name if recognizer else None,
        }

    @torch.inference_mode()
    def similarity(self, text: str, photo: EncodedPhoto | None = None) -> dict[str, np.ndarray]:
        """Where the photo is like the words: a heat map of each name, before any decision.

        Args:
            text: names as in ``segment``.

        Returns:
            label -> (H, W) float32 cosines in [-1, 1] at the photo's size.
        """
        photo = self._current(photo)
        queries = prompts.parse(text).queries
        maps = self.namer.similarity(photo, queries)
        return dict(zip([q.label for q in queries], maps, strict=True))

    @torch.inference_mode()
    def compete(
        self, region: np.ndarray, object: str, parts: Sequence[str], *,
        photo: EncodedPhoto | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Inside an object's known region, every pixel goes to one of its parts.

        Args:
            region: (H, W) bool.

        Returns:
            (H, W) int16 index into ``parts``, -1 outside the region.
        """
        photo = self._current(photo)
        region = _checked(region, photo.photo.width, photo.photo.height)
        return self.namer.compete(photo, region, object, parts)

    # Inside

    def _by_words(
        self,
        photo: EncodedPhoto,
        queries: Sequence[prompts.Query],
        threshold: float,
        notes: Sequence[str],
    ) -> Segmentation:
        began = time.perf_counter()
        found, messages = search(self.model, self.namer, photo, queries, threshold)
        return self._result(photo, found, began, [*notes, *messages])

    def _ranked(self, decoded: Decoded, granularity: str | None) -> list[int]:
        """Slots of the first prompt, best predicted IoU first, near-copies dropped."""
        if granularity is not None:
            return [GRANULARITIES.index(granularity)]
        masks, iou = decoded.logits[0] > 0, decoded.predicted_iou[0]
        return suppress(masks, iou, 0.95, len(GRANULARITIES))

    def _part(
        self, photo: EncodedPhoto, logits: Tensor, name: MaskName, iou: Tensor, slot: int
    ) -> PartMask | None:
        """A decoder mask at the photo's size, or None if nothing of it is inside the photo."""
        mask = photo.full.frame.map_to_photo(logits.cpu().numpy()) > 0
        if not mask.any():
            return None
        return PartMask.from_mask(
            mask,
            label=name.query.label,
            object=name.query.object,
            part=name.query.part,
            similarity=name.similarity,
            probability=name.probability,
            predicted_iou=float(iou),
            granularity=GRANULARITIES[slot],
        )

    def _result(
        self,
        photo: EncodedPhoto,
        parts: Sequence[PartMask],
        began: float,
        messages: Sequence[str] = (),
    ) -> Segmentation:
        colours = palette.assign([p.label for p in parts])
        return Segmentation(
            image=photo.photo.name,
            width=photo.photo.width,
            height=photo.photo.height,
            model=self.name,
            parts=tuple(replace(p, colour=colours[p.label]) for p in parts),
            messages=tuple(messages),
            timings={
                "encode_ms": photo.encode_ms,
                "decode_ms": 1000 * (time.perf_counter() - began),
            },
        )


def _queries(names: str | Sequence[str] | None) -> list[prompts.Query]:
    """Names as a prompt text, or one a list item, as queries."""
    if names is None:
        return []
    if isinstance(names, str):
        return [q for q in prompts.parse(names).queries if q.sign > 0]
    return [prompts.parse(name).queries[0] for name in names]


def _checked(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.shape != (height, width):
        raise InputError(
            f"The mask is {mask.shape}, the photo is {height} x {width} (height x width); "
            "they must be of the same size."
        )
    return mask.astype(bool)
