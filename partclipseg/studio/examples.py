"""The photos that come with the app, each with words that work on it and its licence."""

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parents[2] / "examples"
THUMBNAIL = (192, 144)


@dataclass(frozen=True)
class Example:
    """One photo of ``examples/examples.json``."""

    id: str
    path: Path
    title: str
    prompt: str
    source: str
    licence: str

    def card(self) -> dict[str, Any]:
        """What the gallery needs, with the thumbnail inside: no request, no path of the server."""
        with Image.open(self.path) as opened:
            small = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), THUMBNAIL)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        return {
            "id": self.id,
            "title": self.title,
            "source": self.source,
            "licence": self.licence,
            "thumbnail": f"data:image/jpeg;base64,{data}",
        }


def read(folder: Path = FOLDER) -> tuple[Example, ...]:
    """The examples in the order of the gallery; none if the folder is not there."""
    index = folder / "examples.json"
    if not index.is_file():
        return ()
    rows = json.loads(index.read_text(encoding="utf-8"))
    return tuple(
        Example(
            id=row["id"],
            path=folder / row["file"],
            title=row["title"],
            prompt=row["prompt"],
            source=row["source"],
            licence=row["licence"],
        )
        for row in rows
    )
