"""How the page around the canvas looks, and what ``launch`` is told.

Gradio takes theme, head and the like as arguments of ``launch``; tests and scripts that start the
app must pass the same ones, so they are kept here once.
"""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils.fonts import LocalFont
from starlette.middleware import Middleware

from partclipseg.studio import assets, disk, strings
from partclipseg.studio.guard import Guard, ancestors
from partclipseg.studio.settings import Settings

WORDS = gr.I18n(**strings.BATCH_LANGUAGES)
"""The strings of Gradio's own components, by key; the browser's language decides."""

FAVICON = Path(__file__).resolve().parent / "canvas" / "favicon.svg"


def theme() -> gr.themes.Base:
    """Neutral greys and one blue; the photo and its masks are what has colour.

    Fonts come with Gradio. Of IBM Plex only regular and bold are whole there: its SemiBold and
    Medium files lack half the alphabet.
    """
    return gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=(LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
        font_mono=(LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"),
    ).set(
        body_background_fill="#f5f6f8",
        body_background_fill_dark="#0c0e12",
        body_text_color="#14171d",
        body_text_color_dark="#e9ebef",
    )


def launch_kwargs(settings: Settings) -> dict[str, Any]:
    """Arguments for ``Blocks.launch``.

    Raises:
        InputError: ``settings.frames`` is not of its form.
    """
    ancestors(settings.frames)
    return {
        "theme": theme(),
        "i18n": WORDS,
        "head": f"<style>\n{assets.styles()}\n</style>",
        "favicon_path": str(FAVICON),
        "footer_links": ["api"],
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "max_file_size": f"{settings.max_upload_mb}mb",
        "state_session_capacity": settings.sessions,
        "ssr_mode": False,
        "app_kwargs": {
            "lifespan": disk.sweeping(settings.keep_hours * 3600, settings.disk_mb * 2**20),
            "middleware": [
                # A file, and what is sent around it; of uploads as many as a batch may have,
                # each of which Gradio looks at for itself.
                Middleware(
                    Guard,
                    settings.frames,
                    (settings.max_upload_mb + 1) * 2**20,
                    (settings.max_upload_mb * settings.max_batch + 1) * 2**20,
                )
            ],
        },
    }
