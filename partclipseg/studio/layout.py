"""The page: the canvas, a visitor's session, and which handler answers which question."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from partclipseg.studio import assets, batch_page, examples, strings, zerogpu
from partclipseg.studio.api import Api
from partclipseg.studio.engine import Engine, Predictor
from partclipseg.studio.events import Handlers
from partclipseg.studio.inspection import Inspection
from partclipseg.studio.session import Session
from partclipseg.studio.settings import Settings

FAILED = "() => window.dispatchEvent(new CustomEvent('partclipseg:failed', {{ detail: '{}' }}))"

ASIDE = 8  # small questions that are answered beside those to the model


def build(settings: Settings, load: Callable[[], Predictor] | None = None) -> gr.Blocks:
    """The app, ready to be launched with ``theme.launch_kwargs(settings)``.

    Args:
        load: makes the predictor; the default loads ``settings.model``.
    """
    engine = Engine(
        load or (lambda: load_predictor(settings.model, settings.device)),
        settings.cache_mb * 2**20,
        settings.max_megapixels,
    )
    gallery = examples.read()
    handlers = Handlers(engine, {example.id: example for example in gallery})
    inspection = Inspection(engine, handlers.stops, settings.model)
    keep = settings.keep_hours * 3600
    with gr.Blocks(
        title=strings.TITLE,
        fill_width=True,
        analytics_enabled=False,
        delete_cache=(min(keep, 3600), keep),
    ) as demo:
        session = gr.State(Session())
        canvas = gr.HTML(
            html_template=assets.template(),
            js_on_load=assets.script(),
            apply_default_css=False,
            elem_id="studio",
            server_functions=handlers.direct(),
            setup=setup(settings, gallery),
        )
        # The canvas asks one question at a time and sends the newest when it may. Gradio's own
        # "always_last" would send the data of the click that was under way a second time.
        model = ("model", settings.concurrency)
        for handler, (turn, limit) in {
            handlers.open_photo: model,
            handlers.segment_photo: model,
            handlers.save_result: model,
            inspection.show_heat_maps: model,
            inspection.plot_result: model,
            # These hardly need the model; the first to ask for names waits until all are read.
            inspection.guess_name: ("aside", ASIDE),
            inspection.copy_code: ("aside", ASIDE),
            inspection.tell_about: ("aside", ASIDE),
        }.items():
            name = handler.__name__
            asked = getattr(canvas, name)(
                handler,
                inputs=session,
                outputs=[canvas, session],
                show_progress="hidden",
                trigger_mode="multiple",
                concurrency_id=turn,
                concurrency_limit=limit,
                api_visibility="private",
            )
            asked.failure(fn=None, js=FAILED.format(name))
        Api(engine, settings.concurrency).publish()
    batch_page.build(demo, engine, handlers.stops, settings)
    demo.queue(max_size=settings.queue_size)
    engine.warm()
    return demo


def setup(settings: Settings, gallery: Sequence[examples.Example]) -> dict[str, Any]:
    """What the canvas is told once, when it is opened."""
    return {
        "model": settings.model,
        "maxUploadMb": settings.max_upload_mb,
        "strings": strings.LANGUAGES,
        "sentences": strings.TRANSLATIONS,
        "presets": strings.PRESETS,
        "examples": [example.card() for example in gallery],
    }


def load_predictor(model: str, device: str = "auto") -> Predictor:
    """The real one; torch is imported here and not before.

    On ZeroGPU a GPU is lent for single calls, so the model is loaded without one.
    """
    from partclipseg import PartPredictor, load

    chosen = None if device == "auto" else device
    return PartPredictor(load(model, "cpu" if zerogpu.ACTIVE else chosen))
