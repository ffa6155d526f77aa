"""What happens when the canvas asks: each handler takes the visitor's session and what was sent,
and gives back one message and the session that holds from now on.

A handler never raises: an error becomes a sentence in its message, and the session stays.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from partclipseg import exports, images
from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.studio import strings, wire, words
from partclipseg.studio.asks import MALFORMED, Ask, mapping, sequence_number, token, uploaded
from partclipseg.studio.engine import Engine
from partclipseg.studio.examples import Example
from partclipseg.studio.kept import Kept
from partclipseg.studio.session import PhotoGone, PhotoRef, Session, encoded_photo
from partclipseg.studio.tasks import Stopped, Stops, Task

log = logging.getLogger(__name__)

Message = dict[str, Any]


class Handlers:
    """The studio's events.

    Args:
        engine: shared by all visitors.
        examples: by id.
    """

    def __init__(self, engine: Engine, examples: Mapping[str, Example]) -> None:
        self.engine = engine
        self.examples = examples
        self.stops = Stops()

    def direct(self) -> list[Callable[[Any], Any]]:
        """What the canvas may ask beside the queue, at any time; none of it needs the model."""

        def stop_answer(payload: Any) -> None:
            """{token} -> the question of that token ends as soon as it can."""
            if told := token(payload):
                self.stops.of(told).set()

        return [words.read_words, stop_answer]

    def open_photo(
        self, session: Session, event: gr.EventData
    ) -> Iterator[tuple[Message, Session]]:
        """{source: {example} or {path, name}} -> the photo as it is shown, encoded."""
        number = sequence_number(event._data)
        try:
            source = mapping(mapping(event._data).get("source"))
            example = self._example(source)
            path = example.path if example else uploaded(source.get("path"))
            file = path.name if example else _file_name(source, path)
            photo = images.read(path, name=file)
            if not self.engine.ready:
                yield {"seq": number, "stage": "loading_model"}, session
                self.engine.predictor()
            if self.engine.known(photo.digest) is None:
                yield {"seq": number, "stage": "encoding"}, session
            _, took = self.engine.encode(photo)
            message = {
                "photo": wire.photo_message(photo, example.prompt if example else ""),
                "timings": {"encode": took},
            }
            session = Session(PhotoRef(photo.digest, path, photo.name, file))
        except Exception as error:
            message = error_message(error)
        yield {"seq": number, **message}, session

    def segment_photo(
        self, session: Session, event: gr.EventData
    ) -> Iterator[tuple[Message, Session]]:
        """{photo: digest, ask, token} -> the parts found; how far it is while that takes long."""
        number = sequence_number(event._data)
        try:
            fields = mapping(event._data)
            ask = Ask.read(fields.get("ask"))
            encoded = encoded_photo(self.engine, session, fields.get("photo"))
            if ask.kind == "everything":
                stop = self.stops.of(token(fields))
                task = Task(lambda progress: self.engine.answer(encoded, ask, progress), stop)
                for share in task:
                    told = {"seq": number, "stage": "searching", "share": round(share, 3)}
                    yield told, session
                answer = task.result()
            else:
                answer = self.engine.answer(encoded, ask)
            message: Message = {
                "parts": wire.part_messages(answer.segmentation),
                "messages": list(answer.segmentation.messages),
                "timings": {"decode": answer.milliseconds},
            }
        except Stopped:
            message = {"stopped": True}
        except Exception as error:
            message = error_message(error)
        yield {"seq": number, **message}, session

    def save_result(self, session: Session, event: gr.EventData) -> tuple[Message, Session]:
        """{photo, what, runs, layers, opacity} -> a file of what is on screen."""
        return answered(session, event, lambda told: {"file": self._saved(session, mapping(told))})

    def _example(self, source: Mapping[str, Any]) -> Example | None:
        chosen = source.get("example")
        if chosen is None:
            return None
        if not isinstance(chosen, str) or chosen not in self.examples:
            raise InputError(MALFORMED)
        return self.examples[chosen]

    def _saved(self, session: Session, fields: Mapping[str, Any]) -> dict[str, Any]:
        kept = Kept.read(fields)
        encoded = encoded_photo(self.engine, session, fields.get("photo"))
        answers = [self.engine.answer(encoded, ask).segmentation for ask in kept.asks]
        segmentation = kept.segmentation(answers)
        what = fields.get("what")
        if what not in exports.FORMATS:
            raise InputError(MALFORMED)
        opacity = _share(fields.get("opacity"))
        file = exports.export(what, encoded.photo.array, segmentation, opacity=opacity)
        return wire.file_data(file.content, file.name)


def _file_name(source: Mapping[str, Any], path: Path) -> str:
    """What the visitor's file is called there; the server stores it under a cleaned name."""
    name = source.get("name")
    return name if isinstance(name, str) and 0 < len(name) <= 255 else path.name


def _share(value: Any) -> float:
    return float(min(1, max(0, value))) if type(value) in (int, float) else 0.55


def answered(
    session: Session, event: gr.EventData, work: Callable[[Any], Message]
) -> tuple[Message, Session]:
    """What a quick question is answered: ``work`` of what was sent, or the error's sentence."""
    number = sequence_number(event._data)
    try:
        message = work(event._data)
    except Exception as error:
        message = error_message(error)
    return {"seq": number, **message}, session


def error_message(error: Exception) -> Message:
    """An error as the canvas shows it: a sentence, and a code where the canvas can help itself."""
    if isinstance(error, PhotoGone):
        return {"error": {"message": str(error), "code": "photo_gone"}}
    if isinstance(error, PartCLIPSegError):
        return {"error": {"message": str(error)}}
    report = secrets.token_hex(3)
    log.error("report %s", report, exc_info=error)
    return {"error": {"message": strings.UNEXPECTED.format(number=report)}}
