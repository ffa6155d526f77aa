"""Results as pictures: overlay, legend, heat map."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from partclipseg.errors import InputError
from partclipseg.results import PartMask, Segmentation

PANEL = "#ffffff"
INK, FAINT = "#1b1f24", "#5b6470"
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
    strength = np.where(labels > 0, np.float32(opacity), 0)[..., None]
    out = photo * (1 - strength) + table[labels] * strength
    if outlines and segmentation.parts:
        width = max(1, round(max(labels.shape) / 500))
        highest = ndimage.grey_dilation(labels, size=(3, 3))
        edge = highest != ndimage.grey_erosion(labels, size=(3, 3))
        edge = ndimage.binary_dilation(edge, iterations=width - 1) if width > 1 else edge
        nearest = ndimage.grey_dilation(labels, size=(2 * width + 1, 2 * width + 1))
        out[edge] = table[nearest[edge]] * 0.75
    return out.round().clip(0, 255).astype(np.uint8)


def with_legend(picture: np.ndarray, segmentation: Segmentation) -> Image.Image:
    """The overlay with a panel at its right: swatch, label, similarity, predicted IoU."""
    height, width = picture.shape[:2]
    size = int(np.clip(height / 36, 12, 26))
    row = round(size * 2.6)
    panel = round(size * 19)
    needed = row * (len(segmentation.parts) + 1) + row // 2
    canvas = Image.new("RGB", (width + panel, max(height, needed)), PANEL)
    canvas.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(canvas)
    left = width + size
    title = f"{segmentation.image} · {segmentation.model}"
    draw.text((left, row // 3), _cut(title, size, panel - 2 * size), INK, _font(size, title))
    if not segmentation.parts:
        draw.text((left, row // 3 + row), "no part was found", FAINT, _font(size, ""))
    for index, part in enumerate(segmentation.parts):
        _legend_row(draw, part, left, row * (index + 1), size, panel - 2 * size)
    return canvas


def _legend_row(draw: ImageDraw.ImageDraw, part: PartMask, x: int, y: int, size: int, room: int):
    draw.rounded_rectangle((x, y + 2, x + size, y + size + 2), size // 4, part.colour)
    text = _cut(part.label, size, room - round(1.6 * size))
    draw.text((x + round(1.6 * size), y), text, INK, _font(size, text))
    scores = [
        f"{name} {value:.2f}"
        for name, value in (("similarity", part.similarity), ("IoU", part.predicted_iou))
        if value is not None
    ]
    small = round(size * 0.8)
    position = (x + round(1.6 * size), y + round(size * 1.25))
    draw.text(position, "   ".join(scores), FAINT, _font(small, ""))


@cache
def _font_file(plain: bool) -> str:
    from matplotlib import get_data_path

    if not plain:
        for file in FALLBACK_FONTS:
            if Path(file).is_file():
                return file
    return str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


@cache
def _load_font(size: int, plain: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_font_file(plain), size)


def _font(size: int, text: str) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, or a system font for text with Asian characters."""
    return _load_font(size, all(ord(c) < 0x1100 for c in text))


def _cut(text: str, size: int, room: int) -> str:
    """``text`` shortened by an ellipsis to ``room`` pixels, line breaks and controls removed."""
    text = "".join(c if c.isprintable() else " " for c in text)
    font = _font(size, text)
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text + "…"


def heatmap(
    photo: np.ndarray,
    values: np.ndarray,
    *,
    title: str = "",
    limits: tuple[float, float] | None = None,
) -> Image.Image:
    """Similarities over the photo in viridis, with a colour bar in their own units.

    Args:
        photo: (H, W, 3) uint8; values: (H, W) float.
        limits: of the colours; the values' own range by default.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = values.shape
    figure = Figure(figsize=(6.4, 6.4 * height / width * 0.86 + 0.4), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(photo)
    low, high = limits or (float(values.min()), float(values.max()))
    shown = axes.imshow(values, cmap="viridis", alpha=0.72, vmin=low, vmax=high)
    axes.set_axis_off()
    # "$" would start a formula in matplotlib's text.
    axes.set_title(title.replace("$", r"\$"), fontsize=11)
    figure.colorbar(shown, ax=axes, shrink=0.85, label="similarity (cosine)")
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
