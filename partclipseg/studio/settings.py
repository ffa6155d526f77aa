"""What an administrator may set, by environment variables; every one has a working default.

The address is Gradio's own affair: 127.0.0.1:7860 unless ``GRADIO_SERVER_NAME`` and
``GRADIO_SERVER_PORT`` say otherwise.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from partclipseg.errors import InputError

PREFIX = "PARTCLIPSEG_"


@dataclass(frozen=True)
class Settings:
    """One field, one variable: ``cache_mb`` is ``PARTCLIPSEG_CACHE_MB``.

    Attributes:
        model: name given to ``partclipseg.load``.
        device: e.g. "cpu" or "cuda"; "auto" takes a GPU where there is one.
        cache_mb: memory for encoded photos, shared by all visitors, MiB.
        max_upload_mb: largest file a visitor may send, MiB.
        max_megapixels: largest photo that is opened.
        queue_size: questions that may wait; further ones are refused.
        max_batch: photos that may be done in one go, on the page "Batch".
        concurrency: questions that the model answers at the same time.
        sessions: visitors whose state is kept.
        keep_hours: how long uploaded and made files stay on disk.
        disk_mb: how large they may be together, MiB; the oldest go first.
        frames: pages that may show the app in a frame: addresses with spaces between, "*" or
            "none".
    """

    model: str = "lite"
    device: str = "auto"
    cache_mb: int = 1024
    max_upload_mb: int = 40
    max_megapixels: int = 50
    queue_size: int = 64
    max_batch: int = 100
    concurrency: int = 1
    sessions: int = 200
    keep_hours: int = 12
    disk_mb: int = 8192
    frames: str = "https://huggingface.co https://*.hf.space"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables.

        Raises:
            InputError: a number that is none, or is not positive.
        """
        given: dict[str, str | int] = {}
        for field in fields(cls):
            variable = PREFIX + field.name.upper()
            text = environment.get(variable, "").strip()
            if text:
                given[field.name] = text if field.type is str else _positive(variable, text)
        return cls(**given)  # type: ignore[arg-type]


def _positive(variable: str, text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise InputError(f"{variable} is {text!r}; it must be a whole number above zero.")
