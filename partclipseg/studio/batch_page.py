"""The page for many photos: what is asked, a row a photo, their overlays, one ZIP.

A run waits in the same line as all other questions to the model, and holds its place there until
it ends or is stopped. Everything of a run is in the visitor's own components.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from partclipseg.errors import InputError, PartCLIPSegError
from partclipseg.studio import assets, strings, wire
from partclipseg.studio.asks import MALFORMED, mapping, uploaded
from partclipseg.studio.batch import (
    WANTS,
    Done,
    Event,
    Failed,
    Finished,
    Order,
    Source,
    Working,
    check_count,
    run,
)
from partclipseg.studio.engine import Engine
from partclipseg.studio.settings import Settings
from partclipseg.studio.tasks import Stops
from partclipseg.studio.theme import WORDS

log = logging.getLogger(__name__)

PATH = "batch"
ZIP = "partclipseg_batch.zip"
WANTED_AT_FIRST = ("overlay", "coco")
# Those that browsers do not take for photos get a sentence of their own.
FILE_TYPES = ["image", ".heic", ".heif", ".tif", ".tiff", ".bmp"]
REFUSED = "() => window.dispatchEvent(new CustomEvent('partclipseg:batch-failed'))"

Board = dict[str, Any]
Row = dict[str, Any]


class Batch:
    """The page's events.

    Args:
        engine: shared by all visitors.
        stops: shared with the studio.
        most: photos in one run.
    """

    def __init__(self, engine: Engine, stops: Stops, most: int) -> None:
        self.engine = engine
        self.stops = stops
        self.most = most

    def begin(self, files: Any, words: Any, threshold: Any, *wants: Any) -> tuple[Any, ...]:
        """What was chosen -> table, run's token, empty gallery, no ZIP, Start off, Stop on.

        What cannot be done is said at once, without a wait in line.
        """
        token = secrets.token_hex(16)
        nothing = gr.DownloadButton(value=None, interactive=False)
        try:
            sources, _ = self._read(files, words, threshold, wants)
        except Exception as error:
            told = _board("refused", [], error=_sentence(error))
            return told, "", [], nothing, gr.skip(), gr.skip()
        told = _board("waiting", [_row(source.name) for source in sources], go=token)
        return told, token, [], nothing, gr.Button(interactive=False), gr.Button(interactive=True)

    def work(
        self, token: Any, files: Any, words: Any, threshold: Any, *wants: Any
    ) -> Iterator[tuple[Any, ...]]:
        """The run itself -> table, gallery, ZIP, as they grow."""
        rows: list[Row] = []
        pictures: list[tuple[str, str]] = []
        try:
            sources, order = self._read(files, words, threshold, wants)
            rows = [_row(source.name) for source in sources]
            folder = Path(get_upload_folder()) / secrets.token_hex(20)
            folder.mkdir(parents=True)
            stop = self.stops.of(str(token))
            for event in run(self.engine, sources, order, folder / ZIP, stop):
                if isinstance(event, Finished):
                    yield self._end(event, rows)
                    return
                note(event, rows)
                if not isinstance(event, Done):
                    yield _board("running", rows), gr.skip(), gr.skip()
                    continue
                shown = wire.file_data(event.preview, f"{event.index + 1}.jpg")
                pictures.append((shown["path"], rows[event.index]["name"]))
                yield _board("running", rows), list(pictures), gr.skip()
        except Exception as error:
            leave(rows)
            stage = "stopped" if rows else "refused"
            yield _board(stage, rows, error=_sentence(error)), gr.skip(), gr.skip()

    def stop(self, token: Any) -> Any:
        """The run of that token ends after, or within, the photo that is under way -> Stop off."""
        if token:
            self.stops.of(str(token)).set()
        return gr.Button(interactive=False)

    def _end(self, event: Finished, rows: list[Row]) -> tuple[Any, ...]:
        leave(rows)
        offered = gr.DownloadButton(
            value=str(event.path) if event.path else None, interactive=event.path is not None
        )
        stage = "stopped" if any(row["state"] == "left" for row in rows) else "finished"
        return _board(stage, rows), gr.skip(), offered

    def _read(
        self, files: Any, words: Any, threshold: Any, wants: Sequence[Any]
    ) -> tuple[list[Source], Order]:
        if files is not None and not isinstance(files, list):
            raise InputError(MALFORMED)
        check_count(len(files or []), self.most)
        sources = []
        for file in files or []:
            path = uploaded(mapping(file).get("path"))
            name = file.get("orig_name")
            given = isinstance(name, str) and 0 < len(name) <= 255
            sources.append(Source(path, name if given else path.name))
        chosen = [what for what, wanted in zip(WANTS, wants, strict=True) if wanted is True]
        return sources, Order.read(words, threshold, chosen)


def note(event: Event, rows: list[Row]) -> None:
    """Write what happened to a photo into its row."""
    if isinstance(event, Working):
        rows[event.index] |= {"state": "working", "share": round(event.share, 3)}
    elif isinstance(event, Done):
        told = {"parts": event.parts, "ms": round(event.milliseconds)}
        rows[event.index] |= {"state": "done", **told, "notes": list(event.messages)}
    elif isinstance(event, Failed):
        rows[event.index] |= {"state": "failed", "notes": [event.reason]}


def leave(rows: list[Row]) -> None:
    """What is not done by now stays so."""
    for row in rows:
        if row["state"] in ("waiting", "working"):
            row |= {"state": "left", "share": 0.0}


def build(demo: gr.Blocks, engine: Engine, stops: Stops, settings: Settings) -> None:
    """Add the page to the app, whose own ``with`` has ended."""
    events = Batch(engine, stops, settings.max_batch)
    told = {"strings": strings.BATCH_LANGUAGES, "sentences": strings.TRANSLATIONS}
    with demo.route("Batch", f"/{PATH}", show_in_navbar=False):
        gr.HTML(
            html_template=assets.template("batch-head.html"),
            js_on_load=assets.script("batch-head.mjs"),
            apply_default_css=False,
            elem_id="batch-head",
            setup=told,
        )
        token = gr.State("")
        with gr.Row(elem_id="batch"):
            with gr.Column(elem_classes=["pcs-batch__card", "pcs-batch__order"]):
                asked, start, stop = _order()
            with gr.Column(elem_classes=["pcs-batch__card", "pcs-batch__results"]):
                board = gr.HTML(
                    value=_board("idle", []),
                    html_template=assets.template("batch-rows.html"),
                    js_on_load=assets.script("batch.mjs"),
                    apply_default_css=False,
                    elem_id="batch-rows",
                    setup=told,
                )
                offered = gr.DownloadButton(
                    str(WORDS("batch_download")),
                    variant="primary",
                    interactive=False,
                    elem_id="batch-zip",
                )
                gallery = gr.Gallery(
                    label=WORDS("batch_overlays"),
                    columns=4,
                    height="auto",
                    object_fit="contain",
                    interactive=False,
                    buttons=["fullscreen"],
                    elem_id="batch-gallery",
                )
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        start.click(
            events.begin,
            inputs=asked,
            outputs=[board, token, gallery, offered, start, stop],
            preprocess=False,
            queue=False,
            **private,
        )
        worked = board.go(
            events.work,
            inputs=[token, *asked],
            outputs=[board, gallery, offered],
            preprocess=False,
            concurrency_id="model",
            concurrency_limit=settings.concurrency,
            **private,
        )
        worked.failure(fn=None, js=REFUSED)
        worked.then(
            lambda: (gr.Button(interactive=True), gr.Button(interactive=False)),
            outputs=[start, stop],
            queue=False,
            **private,
        )
        stop.click(events.stop, inputs=token, outputs=stop, queue=False, **private)


def _order() -> tuple[list[gr.components.Component], gr.Button, gr.Button]:
    """The left side: what is asked, in the order of ``Batch.begin``, Start and Stop."""
    photos = gr.File(
        label=WORDS("batch_photos"),
        file_count="multiple",
        file_types=FILE_TYPES,
        height=220,
        elem_id="batch-photos",
    )
    words = gr.Textbox(
        label=WORDS("batch_words"),
        info=str(WORDS("batch_words_info")),
        placeholder=WORDS("batch_words_hint"),
        lines=2,
        max_length=4000,
        elem_id="batch-words",
    )
    threshold = gr.Slider(
        0.05,
        0.95,
        0.5,
        step=0.05,
        label=WORDS("batch_threshold"),
        info=str(WORDS("batch_threshold_info")),
        elem_id="batch-threshold",
    )
    with gr.Column(elem_id="batch-wants"):
        gr.Markdown(str(WORDS("batch_wants")))
        wants = [
            gr.Checkbox(what in WANTED_AT_FIRST, label=WORDS(f"batch_{what}")) for what in WANTS
        ]
        gr.Markdown(str(WORDS("batch_summary_info")))
    with gr.Row():
        start = gr.Button(str(WORDS("batch_start")), variant="primary", elem_id="batch-start")
        stop = gr.Button(str(WORDS("batch_stop")), interactive=False, elem_id="batch-stop")
    return [photos, words, threshold, *wants], start, stop


def _board(stage: str, rows: Sequence[Row], error: str = "", go: str = "") -> Board:
    """What the table is told.

    Args:
        go: a run that may begin now.
    """
    return {"stage": stage, "photos": [dict(row) for row in rows], "error": error, "go": go}


def _row(name: str) -> Row:
    return {"name": name, "state": "waiting", "share": 0.0, "parts": None, "ms": None, "notes": []}


def _sentence(error: Exception) -> str:
    if isinstance(error, PartCLIPSegError):
        return str(error)
    report = secrets.token_hex(3)
    log.error("report %s", report, exc_info=error)
    return strings.UNEXPECTED.format(number=report)
