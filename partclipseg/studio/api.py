"""The endpoints for programs: typed, stateless, one photo and one question a call.

Those that find parts answer with ``Segmentation.to_json()``: masks as COCO run lengths at the
photo's size. ``docs/api.md`` has an example of each.
"""

import io
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
import numpy as np

from partclipseg import exports, images
from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.studio import insights, strings, wire
from partclipseg.studio.asks import MALFORMED, Ask, uploaded
from partclipseg.studio.engine import Encoded, Engine

log = logging.getLogger(__name__)

MOST_NAMES = 50


class Api:
    """The public endpoints.

    Args:
        engine: shared with the app.
        concurrency: questions that are answered at the same time, together with the app's.
    """

    def __init__(self, engine: Engine, concurrency: int = 1) -> None:
        self.engine = engine
        self.concurrency = concurrency

    def segment_text(self, photo: dict, text: str, threshold: float = 0.5) -> dict:
        """Find named parts: "car: wheel, front door; dog: head".

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            text: objects and parts; parts of one object after its name and a colon.
            threshold: between 0 and 1, how sure a pixel must be.

        Returns:
            {"image", "width", "height", "model", "parts": [...], "messages": [...]}
        """
        with _in_a_sentence():
            encoded, ask = self._encoded(photo), Ask.read({"kind": "text", "text": text})
            if threshold == 0.5:
                return self.engine.answer(encoded, ask).segmentation.to_json()
            predictor = self.engine.predictor()
            found = predictor.segment(ask.text, threshold=_number(threshold), photo=encoded)
            return found.to_json()

    def segment_prompts(
        self,
        photo: dict,
        points: list[list[float]] | None = None,
        boxes: list[list[float]] | None = None,
        text: str = "",
        granularity: str | None = None,
        mask: dict | None = None,
    ) -> dict:
        """Find what clicks, boxes and a rough mask point at; words, if given, name it.

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            points: [x, y, label] each, pixels of the photo, label 1 on the part and 0 not.
            boxes: [x0, y0, x1, y1] each, pixels of the photo.
            text: names to choose from.
            granularity: "whole", "part" or "subpart" for that mask alone.
            mask: {"size": [height, width], "counts": "..."} as in an answer's parts, of the photo's
                size or of its shape and at most 2048 pixels a side.

        Returns:
            {"image", "width", "height", "model", "parts": [...], "messages": [...]}
        """
        with _in_a_sentence():
            encoded = self._encoded(photo)
            fields = {"points": points or [], "boxes": boxes or [], "text": text}
            ask = Ask.read({"kind": "prompts", **fields})
            if not granularity and not mask:
                return self.engine.answer(encoded, ask).segmentation.to_json()
            size = encoded.photo.width, encoded.photo.height
            found = self.engine.predictor().predict(
                points=[point[:2] for point in ask.points] or None,
                point_labels=[point[2] for point in ask.points] or None,
                boxes=list(ask.boxes) or None,
                mask=insights.read_rough_mask(mask, *size) if mask else None,
                text=ask.text or None,
                granularity=granularity or None,
                photo=encoded,
            )
            return found.to_json()

    def everything(self, photo: dict, text: str = "") -> dict:
        """Find every region that the model is sure of.

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            text: names to choose from; empty for everyday objects and parts.

        Returns:
            {"image", "width", "height", "model", "parts": [...], "messages": [...]}
        """
        with _in_a_sentence():
            encoded, ask = self._encoded(photo), Ask.read({"kind": "everything", "text": text})
            return self.engine.answer(encoded, ask).segmentation.to_json()

    def label(self, photo: dict, masks: list[dict], text: str = "", top: int = 5) -> dict:
        """Name given masks: the most similar names of each.

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            masks: {"size": [height, width], "counts": "..."} each, as in an answer's parts.
            text: names to choose from; empty for everyday objects and parts.
            top: how many names a mask gets, at most 50.

        Returns:
            {"image", "model", "masks": [[{"label", "similarity", "probability"}, ...], ...]}
        """
        with _in_a_sentence():
            encoded, names = self._encoded(photo), Ask.read({"kind": "text", "text": text}).text
            if type(top) is not int or not 1 <= top <= MOST_NAMES:
                raise InputError(f"top is {top!r:.40}; it must be a number from 1 to {MOST_NAMES}.")
            given = insights.read_masks(masks, encoded.photo.width, encoded.photo.height)
            labels = insights.label_masks(self.engine, encoded, given, names)
            named = [
                [
                    {"label": label, "similarity": similarity, "probability": probability}
                    for label, similarity, probability in labels.top(index, top)
                ]
                for index in range(len(given))
            ]
            model = self.engine.predictor().name
            return {"image": encoded.photo.name, "model": model, "masks": named}

    def heatmap(self, photo: dict, text: str) -> list[dict]:
        """Where the photo is like each name: the cosine of every pixel.

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            text: at most 12 names.

        Returns:
            [{"label", "low", "high", "picture": PNG file, "values": .npy file}, ...]: the smallest
            and the largest cosine, a figure with a colour bar, and (h, w) float16 cosines.
        """
        with _in_a_sentence():
            encoded, words = self._encoded(photo), Ask.read({"kind": "text", "text": text}).text
            stem = exports.safe_stem(encoded.photo.name, 40)
            answer = []
            for found in insights.heat_maps(self.engine, encoded, words):
                name = f"{stem}_heatmap_{exports.safe_stem(found.label, 40)}"
                answer.append(
                    {
                        "label": found.label,
                        "low": found.low,
                        "high": found.high,
                        "picture": wire.file_data(found.picture, f"{name}.png"),
                        "values": wire.file_data(_npy(found.values), f"{name}.npy"),
                    }
                )
            return answer

    def publish(self) -> None:
        """Add the endpoints to the current ``gr.Blocks``."""
        endpoints: list[Callable[..., Any]] = [
            self.segment_text,
            self.segment_prompts,
            self.everything,
            self.label,
            self.heatmap,
        ]
        for endpoint in endpoints:
            gr.api(
                endpoint,
                api_name=endpoint.__name__,
                concurrency_id="model",
                concurrency_limit=self.concurrency,
            )

    def _encoded(self, photo: Any) -> Encoded:
        if not isinstance(photo, dict):
            raise InputError("The photo is missing; send it as a file.")
        path = uploaded(photo.get("path"))
        name = photo.get("orig_name")
        decoded = images.read(path, name=name if isinstance(name, str) and name else path.name)
        return self.engine.encode(decoded)[0]


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Whatever goes wrong becomes one sentence for the program's author."""
    try:
        yield
    except PartCLIPSegError as error:
        told = str(error) if str(error) != MALFORMED else WRONG_FORM
        raise gr.Error(told, print_exception=False) from error
    except Exception as error:
        report = secrets.token_hex(3)
        log.exception("report %s", report)
        raise gr.Error(strings.UNEXPECTED.format(number=report)) from error


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not 0 < value < 1:
        raise InputError(f"The threshold is {value!r:.40}; it must be a number between 0 and 1.")
    return float(value)


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


WRONG_FORM = (
    "The prompts have the wrong form: points are lists of [x, y, label], boxes of "
    '[x0, y0, x1, y1], a mask is {"size": [height, width], "counts": "..."} whose run lengths '
    "fill that size."
)
