"""Results as figures: area shares, similarities as a matrix, heat maps.

Figures are made without ``pyplot``, which keeps global state and is not safe between threads.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from partclipseg.errors import InputError
from partclipseg.rendering import FAINT, INK, drawable, font_file
from partclipseg.results import Labels, Segmentation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

COLOURS = "viridis"  # perceptually uniform, readable with any colour vision and in grey
DPI = 120
MOST_BARS, MOST_ROWS, MOST_COLUMNS = 40, 40, 30
LONGEST = 32  # characters of a name on an axis


def areas(segmentation: Segmentation) -> Image.Image:
    """How much of the photo each part covers, largest first, as bars in the parts' colours."""
    pixels = segmentation.width * segmentation.height
    parts = sorted(segmentation.parts, key=lambda part: -part.area)
    shown = parts[:MOST_BARS]
    figure = _figure(7.0, 1.2 + 0.3 * max(1, len(shown)))
    axes = figure.add_subplot()
    _title(axes, f"{segmentation.image}: share of the photo")
    shares = [100 * part.area / pixels for part in shown]
    places = np.arange(len(shown))
    bars = axes.barh(places, shares, color=[part.colour for part in shown], height=0.72)
    axes.bar_label(bars, [_percent(share) for share in shares], padding=4, color=INK, fontsize=9)
    _ticks(axes.yaxis, [part.label for part in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(shares, default=1))
    more = f", {len(parts) - MOST_BARS} smaller parts not shown" if len(parts) > MOST_BARS else ""
    axes.set_xlabel("no part was found" if not parts else f"% of the photo{more}", color=FAINT)
    axes.spines[["top", "right"]].set_visible(False)
    return _drawn(figure)


def similarities(masks: Sequence[str], labels: Labels) -> Image.Image:
    """The cosine of every mask (row) with every asked name (column), the best of a row framed.

    Args:
        masks: M names for the rows.
        labels: what ``PartPredictor.label`` says of these masks.

    Raises:
        InputError: another number of masks, or none.
    """
    values = labels.similarities
    if not values.size or len(masks) != len(values):
        raise InputError(f"There are {len(masks)} masks but similarities for {len(values)}.")
    best = values.argmax(1)
    columns = _columns(values, best)
    values, rows = values[:MOST_ROWS, columns], list(masks)[:MOST_ROWS]
    figure = _figure(3.2 + 0.62 * len(columns), 2.6 + 0.34 * len(rows))
    axes = figure.add_subplot()
    picture = axes.imshow(values, cmap=COLOURS, aspect="auto")
    figure.colorbar(picture, ax=axes, label="similarity (cosine)")
    names = [labels.names[column] for column in columns]
    _ticks(axes.xaxis, names, rotation=40, ha="right", rotation_mode="anchor")
    _ticks(axes.yaxis, [f"{number}  {row}" for number, row in enumerate(rows, 1)])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _annotate(axes, values)
    if len(masks) > len(rows) or len(labels.names) > len(columns):
        title = f"{len(rows)} of {len(masks)} masks, {len(columns)} of {len(labels.names)} names"
        axes.set_title(title, fontsize=10, color=FAINT)
    return _drawn(figure)


def heatmap(
    photo: np.ndarray,
    values: np.ndarray,
    *,
    title: str = "",
    limits: tuple[float, float] | None = None,
) -> Image.Image:
    """Similarities over the photo, with a colour bar in their own units.

    Args:
        photo: (H, W, 3) uint8; values: (H, W) float cosines.
        limits: of the colours; the values' own range by default.

    Raises:
        InputError: photo and values of different sizes.
    """
    if photo.shape[:2] != values.shape:
        raise InputError(
            f"The photo is {photo.shape[1]} x {photo.shape[0]} pixels, but the similarities are "
            f"{values.shape[1]} x {values.shape[0]}."
        )
    height, width = values.shape
    scale = 5.5 / max(height, width)  # inches a pixel; a narrow photo leaves room for bar and title
    figure = _figure(max(2.5, width * scale) + 0.9, max(2.5, height * scale) + 0.4)
    axes = figure.add_subplot()
    low, high = limits or (float(values.min()), float(values.max()))
    # What is drawn has some 700 pixels: a photo of 50 megapixels need not be resampled in colours.
    step = max(1, max(height, width) // 1400)
    grey = np.asarray(Image.fromarray(np.ascontiguousarray(photo[::step, ::step])).convert("L"))
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)  # its own colours would pass for values
    small = values[::step, ::step]
    shown = axes.imshow(small, cmap=COLOURS, alpha=0.68, vmin=low, vmax=high)
    axes.set_axis_off()
    _title(axes, title)
    figure.colorbar(shown, ax=axes, shrink=0.85, label="similarity (cosine)")
    return _drawn(figure)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")


def _drawn(figure: "Figure") -> Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _title(axes: "Axes", text: str) -> None:
    text = _shown(text, 60)
    axes.set_title(text, fontproperties=_font(text, 11), color=INK, parse_math=False)


def _ticks(axis: "Axis", names: Sequence[str], **style: Any) -> None:
    """A visitor's names along an axis, each in a font that has its letters, "$" as it is."""
    shown = [_shown(name, LONGEST) for name in names]
    axis.set_ticks(range(len(shown)), labels=shown)
    for tick, name in zip(axis.get_ticklabels(), shown, strict=True):
        tick.set(fontproperties=_font(name, 9), color=INK, parse_math=False, **style)


def _shown(text: str, longest: int) -> str:
    text = drawable(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _font(text: str, size: float) -> "FontProperties":
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=font_file(text), size=size)


def _columns(values: np.ndarray, best: np.ndarray) -> list[int]:
    """Names that fit: those that are some mask's best first, then by their highest similarity."""
    if values.shape[1] <= MOST_COLUMNS:
        return list(range(values.shape[1]))
    wins = np.isin(np.arange(values.shape[1]), best[:MOST_ROWS])
    order = np.lexsort((-values[:MOST_ROWS].max(0), ~wins))
    return sorted(order[:MOST_COLUMNS].tolist())


def _annotate(axes: "Axes", values: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    middle = (float(values.min()) + float(values.max())) / 2
    for (row, column), value in np.ndenumerate(values):
        # The upper half of viridis is light.
        ink = INK if value > middle else "white"
        text = f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    for row, column in enumerate(values.argmax(1)):
        frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#d55e00", lw=2)
        frame.set_clip_on(False)
        axes.add_patch(frame)


def _percent(share: float) -> str:
    return f"{share:.1f}" if share >= 0.1 else f"{share:.2f}"
