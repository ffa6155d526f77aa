"""Beyond masks: what a mask could be called, and where the photo is like a word."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from partclipseg import exports, plots, prompts, vocabulary
from partclipseg.errors import InputError
from partclipseg.results import Labels, PartMask, Segmentation
from partclipseg.studio.asks import PaintedMask
from partclipseg.studio.engine import Encoded, Engine

MOST_MAPS = 12
MOST_MASKS = 100
VALUES_SIDE = 1024  # pixels; finer than the model looks

# One figure at a time: matplotlib's font cache is shared between threads.
_drawing = threading.Lock()


@dataclass(frozen=True)
class HeatMap:
    """Where a photo is like a name.

    Attributes:
        low, high: the smallest and the largest cosine on the photo.
        picture: PNG, with a colour bar that is the same for all names asked together.
        values: (h, w) float16 cosines, the photo's size but at most VALUES_SIDE a side.
    """

    label: str
    low: float
    high: float
    picture: bytes
    values: np.ndarray


def heat_maps(
    engine: Engine,
    encoded: Encoded,
    text: str,
    progress: Callable[[float], None] = lambda share: None,
) -> list[HeatMap]:
    """One for each name of a prompt text.

    Args:
        progress: told the share that is drawn, after each; may raise, to stop.

    Raises:
        InputError: no name, or too many.
    """
    count = len(prompts.parse(text).queries)
    if count > MOST_MAPS:
        raise InputError(f"There are {count} names; ask for at most {MOST_MAPS} heat maps at once.")
    maps = engine.predictor().similarity(text, encoded)
    low = min(float(values.min()) for values in maps.values())
    high = max(float(values.max()) for values in maps.values())
    pixels = encoded.photo.array
    out = []
    for label, values in maps.items():
        with _drawing:
            figure = plots.heatmap(pixels, values, title=label, limits=(low, high))
        out.append(
            HeatMap(
                label=label,
                low=float(values.min()),
                high=float(values.max()),
                picture=exports.png(figure),
                values=_reduced(values),
            )
        )
        progress(len(out) / len(maps))
    return out


def label_masks(
    engine: Engine, encoded: Encoded, masks: Sequence[np.ndarray], text: str = ""
) -> Labels:
    """How similar each mask is to each name.

    Args:
        masks: (H, W) bool each, at the photo's size.
        text: names in the prompt language; empty for everyday objects and parts.

    Raises:
        InputError: no mask, too many, or one of another size.
    """
    if len(masks) > MOST_MASKS:
        raise InputError(f"There are {len(masks)} masks; name at most {MOST_MASKS} at once.")
    queries = prompts.parse(text).queries if text.strip() else _everyday()
    names = [_spelled(query) for query in queries if query.sign > 0]
    return engine.predictor().label(masks, names, photo=encoded)


def area_plot(segmentation: Segmentation) -> bytes:
    """How much of the photo each part covers, as a PNG."""
    with _drawing:
        return exports.png(plots.areas(segmentation))


def similarity_plot(
    engine: Engine, encoded: Encoded, parts: Sequence[PartMask], text: str
) -> bytes:
    """Every part against every asked name, as a PNG.

    Raises:
        InputError: no part or no name.
    """
    shown = parts[: plots.MOST_ROWS]
    if not shown:
        raise InputError("There is no part to compare with the words yet: find one first.")
    labels = label_masks(engine, encoded, [part.mask for part in shown], text)
    with _drawing:
        return exports.png(plots.similarities([part.label for part in shown], labels))


def read_masks(rows: Any, width: int, height: int) -> list[np.ndarray]:
    """Masks as other endpoints give them, ``parts[i]["segmentation"]``: (H, W) bool each.

    Raises:
        InputError: another form, or another size than the photo's.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError('The masks must be a list of {"size": [height, width], "counts": "..."}.')
    masks = []
    for row in rows[: MOST_MASKS + 1]:
        part = PartMask.from_json({"label": "", "bbox": (0, 0, 0, 0), "area": 0,
                                   "segmentation": row})  # fmt: skip
        if part.rle["size"] != [height, width]:
            raise InputError(
                f"A mask is {part.rle['size'][1]} x {part.rle['size'][0]} pixels, but the photo is "
                f"{width} x {height}; they must be of the same size."
            )
        masks.append(part.mask)
    return masks


def read_rough_mask(row: Any, width: int, height: int) -> np.ndarray:
    """A mask prompt: (H, W) bool at the photo's size, whatever size of its shape it was given in.

    Raises:
        InputError: another form, or another shape than the photo's.
    """
    size = row.get("size") if isinstance(row, dict) else None
    if size == [height, width]:
        return read_masks([row], width, height)[0]
    painted = PaintedMask.read(row)
    if painted is None or abs(painted.width * height - painted.height * width) > max(width, height):
        raise InputError(
            f"The mask must have the shape of the photo, which is {width} x {height} pixels."
        )
    return painted.at(width, height)


def _everyday() -> list[prompts.Query]:
    common = vocabulary.common()
    return [prompts.Query(o, p) for o, parts in common.items() for p in (None, *parts)]


def _spelled(query: prompts.Query) -> str:
    """A query as words that are read as that query again, whatever marks are in its names.

    A quotation mark, which quotes cannot hold, becomes a double prime.
    """
    owner, part = (
        '"{}"'.format(name.replace('"', "\N{DOUBLE PRIME}")) if name else name
        for name in (query.object, query.part)
    )
    return f"{owner}: {part or ''}" if owner else part or ""


def _reduced(values: np.ndarray) -> np.ndarray:
    height, width = values.shape
    scale = min(1.0, VALUES_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(np.ascontiguousarray(values, np.float32)).resize(
        size, Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST
    )
    return np.asarray(small).astype(np.float16)
