"""Results as pictures: overlay and legend; see ``plots`` for figures with axes."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from partclipseg.errors import InputError
from partclipseg.results import PartMask, Segmentation

PANEL = "#ffffff"
INK, FAINT = "#1b1f24", "#5b6470"
LEGEND_HEIGHT = 640  # pixels, beside smaller pictures
LONGEST_LABEL = 300  # characters that are looked at
# Scripts that DejaVu Sans has no glyphs for, where the system has a font for them.
FALLBACK_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/AppleSDGothicNeo.ttc",
    "C:/Windows/Fonts/malgun.ttf",
)


def rgb(colour: str) -> tuple[int, int, int]:
    """``#rrggbb`` -> (r, g, b)."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def overlay(
    photo: np.ndarray, segmentation: Segmentation, *, opacity: float = 0.55, outlines: bool = True
) -> np.ndarray:
    """The photo with its parts in colour; where masks overlap the smaller one is seen.

    Outlines lie inside of their parts, so that what belongs to no part stays as it was.

    Args:
        photo: (H, W, 3) uint8.
        opacity: 0 = outlines only, 1 = flat colour.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    labels = segmentation.label_map()
    if photo.shape != (*labels.shape, 3):
        raise InputError(
            f"The photo is {photo.shape[1]} x {photo.shape[0]} pixels, but the result is for "
            f"{segmentation.width} x {segmentation.height}."
        )
    table = np.array([(0, 0, 0)] + [rgb(p.colour) for p in segmentation.parts], np.float32)
    strength = np.float32(np.clip(opacity, 0, 1))
    out = photo.copy()
    inside = labels > 0
    seen = labels[inside]
    out[inside] = (photo[inside] * (1 - strength) + table[seen] * strength).round()
    if outlines:
        edge = _edges(labels, max(1, round(max(labels.shape) / 500)))
        out[edge] = (table[labels[edge]] * 0.75).round()
    return out


def _edges(labels: np.ndarray, width: int) -> np.ndarray:
    """(H, W) bool: pixels of a part that have another part or none within ``width``, on an axis."""
    edge = np.zeros(labels.shape, bool)
    for distance in range(1, width + 1):
        for axis in (0, 1):
            values, marks = np.moveaxis(labels, axis, 0), np.moveaxis(edge, axis, 0)
            change = values[distance:] != values[:-distance]
            marks[distance:] |= change
            marks[:-distance] |= change
    return edge & (labels > 0)


def with_legend(picture: np.ndarray, segmentation: Segmentation) -> Image.Image:
    """The overlay with a panel at its right: swatch, label, similarity, predicted IoU.

    The panel is as high as the picture, or ``LEGEND_HEIGHT`` beside a smaller one; what does not
    fit below each other goes on in further columns.
    """
    height, width = picture.shape[:2]
    size = int(np.clip(height / 36, 12, 26))
    row = round(size * 2.6)
    column = round(size * 19)
    total = max(height, min(LEGEND_HEIGHT, row * (max(1, len(segmentation.parts)) + 1) + row // 2))
    lines = max(1, (total - row // 2) // row - 1)
    columns = max(1, -(-len(segmentation.parts) // lines))
    canvas = Image.new("RGB", (width + column * columns, total), PANEL)
    canvas.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(canvas)
    left, room = width + size, column - 2 * size
    title = f"{segmentation.image} · {segmentation.model}"
    _write(draw, (left, row // 3), title, size, column * columns - 2 * size, INK)
    if not segmentation.parts:
        _write(draw, (left, row // 3 + row), "no part was found", size, room, FAINT)
    for index, part in enumerate(segmentation.parts):
        across, down = divmod(index, lines)
        _legend_row(draw, part, left + column * across, row * (down + 1), size, room)
    return canvas


def _legend_row(
    draw: ImageDraw.ImageDraw, part: PartMask, x: int, y: int, size: int, room: int
) -> None:
    draw.rounded_rectangle((x, y + 2, x + size, y + size + 2), size // 4, part.colour)
    indent = round(1.6 * size)
    _write(draw, (x + indent, y), part.label, size, room - indent, INK)
    scores = [
        f"{name} {value:.2f}"
        for name, value in (("similarity", part.similarity), ("IoU", part.predicted_iou))
        if value is not None
    ]
    position = (x + indent, y + round(size * 1.25))
    _write(draw, position, "   ".join(scores), round(size * 0.8), room - indent, FAINT)


def _write(
    draw: ImageDraw.ImageDraw, xy: tuple[int, int], text: str, size: int, room: int, ink: str
) -> None:
    """Any text on one line, shortened by an ellipsis to ``room`` pixels."""
    text = one_line(text)
    font = _load_font(size, font_file(text))
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    draw.text(xy, text, ink, font)


def one_line(text: str) -> str:
    """The start of any text, without line breaks and characters that have no picture."""
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST_LABEL])


def font_file(text: str) -> str:
    """The font that has most of the text's characters; DejaVu Sans where that settles nothing."""
    letters = {ord(c) for c in text}
    return max(_fonts(), key=lambda font: len(letters & font[1]))[0]


def drawable(text: str) -> str:
    """The text on one line, "?" for what its font has no picture for."""
    text = one_line(text)
    known = dict(_fonts())[font_file(text)]
    return "".join(c if ord(c) in known else "?" for c in text)


@cache
def _fonts() -> list[tuple[str, frozenset[int]]]:
    """The fonts at hand and the code points that they draw."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    dejavu = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    files = [dejavu, *(file for file in FALLBACK_FONTS if Path(file).is_file())]
    return [(file, frozenset(FT2Font(file).get_charmap())) for file in files]


@cache
def _load_font(size: int, file: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)
