"""A closer look at what is on screen: heat maps, plots, other names for a part, code, the model.

Handlers with the rules of ``events``: one message, and what goes wrong is a sentence in it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from partclipseg import exports, vocabulary
from partclipseg.errors import InputError
from partclipseg.prompts import GRANULARITIES
from partclipseg.results import Segmentation
from partclipseg.studio import insights, snippets, wire
from partclipseg.studio.about import about
from partclipseg.studio.asks import MALFORMED, Ask, mapping, sequence_number, token
from partclipseg.studio.engine import Encoded, Engine
from partclipseg.studio.events import Message, answered, error_message
from partclipseg.studio.kept import Kept
from partclipseg.studio.once import Once
from partclipseg.studio.session import Session, encoded_photo, photo_ref
from partclipseg.studio.tasks import Progress, Stopped, Stops, Task

GUESSES = 10  # names of each sort for a part
Work = Callable[[Encoded, Mapping[str, Any], Progress], Message]


class Inspection:
    """The drawer's events.

    Args:
        engine: shared by all visitors.
        stops: shared with the other events, so that one call stops whatever is under way.
        model: the name that was given to ``partclipseg.load``.
    """

    def __init__(self, engine: Engine, stops: Stops, model: str) -> None:
        self.engine = engine
        self.stops = stops
        self.model = model
        # The vocabulary is read once for all visitors; that takes up to a minute.
        self._names = Once(lambda progress: engine.predictor().prepare_names(progress))

    def show_heat_maps(
        self, session: Session, event: gr.EventData
    ) -> Iterator[tuple[Message, Session]]:
        """{photo, text, token} -> a picture for each name."""
        yield from self._slowly(session, event, "drawing_maps", self._heat_maps)

    def plot_result(
        self, session: Session, event: gr.EventData
    ) -> Iterator[tuple[Message, Session]]:
        """{photo, runs, layers, text, token} -> areas, and similarities with the words."""
        yield from self._slowly(session, event, "drawing_plots", self._plots)

    def guess_name(
        self, session: Session, event: gr.EventData
    ) -> Iterator[tuple[Message, Session]]:
        """{photo, runs, layers, token} -> what the first layer may be called."""
        yield from self._slowly(session, event, "reading_names", self._guesses)

    def copy_code(self, session: Session, event: gr.EventData) -> tuple[Message, Session]:
        """{photo, language, runs, layers, granularity, sure, address} -> code that finds it."""
        return answered(session, event, lambda told: {"code": self._code(session, mapping(told))})

    def tell_about(self, session: Session, event: gr.EventData) -> tuple[Message, Session]:
        """{} -> what the model says of itself."""
        return answered(
            session, event, lambda _: {"about": about(self.engine.predictor(), self.model)}
        )

    def _slowly(
        self, session: Session, event: gr.EventData, stage: str, work: Work
    ) -> Iterator[tuple[Message, Session]]:
        """How far it is while it takes long, then the answer."""
        number = sequence_number(event._data)
        try:
            fields = mapping(event._data)
            encoded = encoded_photo(self.engine, session, fields.get("photo"))
            stop = self.stops.of(token(fields))
            task = Task(lambda progress: work(encoded, fields, progress), stop)
            for share in task:
                yield {"seq": number, "stage": stage, "share": round(share, 3)}, session
            message = task.result()
        except Stopped:
            message = {"stopped": True}
        except Exception as error:
            message = error_message(error)
        yield {"seq": number, **message}, session

    def _heat_maps(
        self, encoded: Encoded, fields: Mapping[str, Any], progress: Progress
    ) -> Message:
        text = _words(fields)
        stem = exports.safe_stem(encoded.photo.name, 40)
        return {
            "maps": [
                {
                    "label": found.label,
                    "low": round(found.low, 4),
                    "high": round(found.high, 4),
                    "file": wire.file_data(
                        found.picture, f"{stem}_heatmap_{exports.safe_stem(found.label, 40)}.png"
                    ),
                }
                for found in insights.heat_maps(self.engine, encoded, text, progress)
            ]
        }

    def _plots(self, encoded: Encoded, fields: Mapping[str, Any], progress: Progress) -> Message:
        shown = self._shown(encoded, Kept.read(fields))
        stem = exports.safe_stem(encoded.photo.name)
        areas = insights.area_plot(shown)
        plots = [{"kind": "areas", "file": wire.file_data(areas, f"{stem}_areas.png")}]
        progress(0.5)
        try:
            matrix = insights.similarity_plot(self.engine, encoded, shown.parts, _words(fields))
        except InputError as error:
            return {"plots": plots, "messages": [str(error)]}
        file = wire.file_data(matrix, f"{stem}_similarities.png")
        return {"plots": [*plots, {"kind": "similarities", "file": file}], "messages": []}

    def _guesses(self, encoded: Encoded, fields: Mapping[str, Any], progress: Progress) -> Message:
        kept = Kept.read(fields)
        mask = self._shown(encoded, replace(kept, layers=kept.layers[:1])).parts[0].mask
        self._names.wait(progress)
        found = self.engine.predictor().what_is(mask, GUESSES, photo=encoded)
        kinds = {"names": found.names, "objects": found.objects, "parts": found.parts}
        rows = {
            kind: [
                {
                    "label": name.query.label,
                    "similarity": round(name.similarity, 4),
                    "probability": round(name.probability, 4),
                }
                for name in names
            ]
            for kind, names in kinds.items()
        }
        return {**rows, "count": len(vocabulary.load())}

    def _shown(self, encoded: Encoded, kept: Kept) -> Segmentation:
        answers = [self.engine.answer(encoded, ask).segmentation for ask in kept.asks]
        return kept.segmentation(answers)

    def _code(self, session: Session, fields: Mapping[str, Any]) -> str:
        photo = photo_ref(session, fields.get("photo"))
        size, sure, address = (fields.get(key) for key in ("granularity", "sure", "address"))
        if not isinstance(sure, int | float) or isinstance(sure, bool):
            raise InputError(MALFORMED)
        if size not in (None, "", *GRANULARITIES):
            raise InputError(MALFORMED)
        recipe = snippets.Recipe(
            file=photo.file,
            asks=Kept.read(fields).asks,
            model=self.model,
            granularity=size or None,
            sure=float(min(1, max(0, sure))),
            address=address if isinstance(address, str) else snippets.ADDRESS,
        )
        language = fields.get("language")
        if not isinstance(language, str) or language not in snippets.LANGUAGES:
            raise InputError(MALFORMED)
        return snippets.snippet(language, recipe)


def _words(fields: Mapping[str, Any]) -> str:
    return Ask.read({"kind": "text", "text": fields.get("text")}).text
