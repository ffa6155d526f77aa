"""What a visitor does, and what a test looks at."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

STUDIO = "document.querySelector('#studio .pcs-head').parentElement"
SMALL = {"width": 390, "height": 844}
PHONE = {"viewport": SMALL, "has_touch": True, "is_mobile": True}


def drop(page: Page, path: Path, mime: str = "image/png") -> None:
    """Drops a file on the canvas, as a person does."""
    transfer = page.evaluate_handle(
        """([data, name, type]) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [base64.b64encode(path.read_bytes()).decode(), path.name, mime],
    )
    canvas = page.locator("#studio canvas")
    for event in ("dragenter", "dragover", "drop"):
        canvas.dispatch_event(event, {"dataTransfer": transfer})


def drop_and_wait(page: Page, path: Path, size: str = "300 × 200") -> None:
    drop(page, path)
    expect(status(page)).to_contain_text(size)


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a photo point is on the screen."""
    point = page.evaluate(f"([x, y]) => {STUDIO}.partclipseg.stage.clientPoint(x, y)", [x, y])
    return point["x"], point["y"]


def click(page: Page, x: float, y: float, **options: Any) -> None:
    page.mouse.click(*at(page, x, y), **options)


def marks(page: Page) -> dict[str, Any]:
    return page.evaluate(
        f"""() => {{
            const {{ points, boxes }} = {STUDIO}.partclipseg.history.state;
            return {{ points, boxes }};
        }}"""
    )


def settled(page: Page) -> None:
    page.wait_for_function(f"{STUDIO}.dataset.busy === 'false'")


def status(page: Page) -> Locator:
    return page.locator("#studio .pcs-status")


def find(page: Page, text: str) -> None:
    page.get_by_label("What to find").fill(text)
    page.get_by_role("button", name="Segment", exact=True).click()


def rows(page: Page) -> Locator:
    return page.locator("#studio [data-layer]")


def colour_at(page: Page, x: float, y: float) -> tuple[int, ...]:
    """The colour that is seen at a photo point, in steps of 8: the photo is sent as JPEG."""
    left, top = at(page, x, y)
    clip = {"x": left - 1, "y": top - 1, "width": 3, "height": 3}
    page.wait_for_timeout(80)  # the canvas draws in the next frame
    shot = page.screenshot(clip=clip)
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))
    return steps(*pixels[1, 1])


def steps(*colour: int) -> tuple[int, ...]:
    return tuple((int(value) + 4) // 8 for value in colour)


def without_names(page: Page) -> None:
    page.get_by_role("button", name="Names on the photo").click()


def other(photo: Path) -> Path:
    path = photo.with_name("other.png")
    with Image.open(photo) as picture:
        picture.rotate(90, expand=True).save(path)
    return path
