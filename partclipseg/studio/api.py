"""The endpoints for programs: typed, stateless, one photo and one question a call.

Each answers with ``Segmentation.to_json()``: masks as COCO run lengths at the photo's size.
"""

import logging
import secrets
from collections.abc import Callable
from typing import Any

import gradio as gr

from partclipseg import images
from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.studio import strings
from partclipseg.studio.asks import MALFORMED, Ask, uploaded
from partclipseg.studio.engine import Engine

log = logging.getLogger(__name__)


class Api:
    """The public endpoints.

    Args:
        engine: shared with the app.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def segment_text(self, photo: dict, text: str) -> dict:
        """Find named parts: "car: wheel, front door; dog: head".

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            text: objects and parts; parts of one object after its name and a colon.

        Returns:
            {"image", "width", "height", "model", "parts": [...], "messages": [...]}
        """
        return self._answer(photo, {"kind": "text", "text": text})

    def segment_prompts(
        self,
        photo: dict,
        points: list[list[float]] | None = None,
        boxes: list[list[float]] | None = None,
        text: str = "",
    ) -> dict:
        """Find what clicks and boxes point at; words, if given, name it.

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            points: [x, y, label] each, pixels of the photo, label 1 on the part and 0 not.
            boxes: [x0, y0, x1, y1] each, pixels of the photo.
            text: names to choose from.

        Returns:
            {"image", "width", "height", "model", "parts": [...], "messages": [...]}
        """
        ask = {"kind": "prompts", "points": points or [], "boxes": boxes or [], "text": text}
        return self._answer(photo, ask)

    def everything(self, photo: dict, text: str = "") -> dict:
        """Find every region that the model is sure of.

        Args:
            photo: a photo file, with gradio_client `handle_file("car.jpg")`.
            text: names to choose from; empty for everyday objects and parts.

        Returns:
            {"image", "width", "height", "model", "parts": [...], "messages": [...]}
        """
        return self._answer(photo, {"kind": "everything", "text": text})

    def publish(self) -> None:
        """Add the endpoints to the current ``gr.Blocks``."""
        endpoints: list[Callable[..., Any]] = [
            self.segment_text,
            self.segment_prompts,
            self.everything,
        ]
        for endpoint in endpoints:
            gr.api(
                endpoint,
                api_name=endpoint.__name__,
                concurrency_id="model",
                concurrency_limit=1,
            )

    def _answer(self, photo: Any, ask: dict[str, Any]) -> dict:
        try:
            if not isinstance(photo, dict):
                raise InputError("The photo is missing; send it as a file.")
            path = uploaded(photo.get("path"))
            asked = Ask.read(ask)
            decoded = images.read(path, name=photo.get("orig_name") or path.name)
            encoded, _ = self.engine.encode(decoded)
            return self.engine.answer(encoded, asked).segmentation.to_json()
        except PartCLIPSegError as error:
            told = str(error) if str(error) != MALFORMED else WRONG_FORM
            raise gr.Error(told, print_exception=False) from error
        except Exception as error:
            report = secrets.token_hex(3)
            log.exception("report %s", report)
            raise gr.Error(strings.UNEXPECTED.format(number=report)) from error


WRONG_FORM = (
    "The prompts have the wrong form: points are lists of [x, y, label], boxes of [x0, y0, x1, y1]."
)
