"""Labelled photos -> augmented samples: a square picture, part labels, simulated prompts."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

from partclipseg import datasets
from partclipseg.modeling.prompt_encoder import (
    BOX_CORNER_1,
    BOX_CORNER_2,
    NEGATIVE,
    PADDING,
    POSITIVE,
)

NONE, IGNORE = -1, -2  # pixel labels beside the indices of names
STRIDE = 4


@dataclass(frozen=True)
class SampleConfig:
    """How photos become samples; ``scale`` multiplies the size at which the photo just fits."""

    size: int = 384
    scale: tuple[float, float] = (0.7, 1.6)
    zoom_to_object: float = 0.4
    subset_of_names: float = 0.3
    prompts: int = 4
    colour: float = 0.3
    blur: float = 0.1
    compression: float = 0.15


@dataclass
class Target:
    """A mask to be found: (h, w) bool at stride 4; ``name`` indexes ``Sample.names``, -1 = none."""

    mask: np.ndarray
    name: int
    level: str  # "object", "part" or "region"


@dataclass
class Sample:
    """One augmented photo.

    Attributes:
        image: (S, S, 3) uint8.
        labels: (S/4, S/4) int16, index into ``names``, NONE or IGNORE.
        names: (object, part) pairs that compete.
        objects: names of the objects with (S/4, S/4) float masks, beside them whether the rest of
            the photo is known to be without that object.
        parts: named part masks, pooled for mask-text alignment.
        points, kinds: ``(P, 2, 2)`` (x, y) in sample pixels and ``(P, 2)`` prompt kinds.
        texts: (P,) index into ``names`` of the words that come with a prompt, or -1.
        wanted: (P, S/4, S/4) bool, what the simulated user means.
        slots: (P, 3, S/4, S/4) bool and ``slot_valid`` (P, 3): whole, part, sub-part under a click.
        shows: names of objects that are known to be there, without a mask.
        key: names this very view of the photo where views repeat, for caches; else empty.
    """

    image: np.ndarray
    labels: np.ndarray
    names: list[tuple[str, str]]
    objects: list[tuple[str, np.ndarray, bool]]
    parts: list[Target]
    points: np.ndarray
    kinds: np.ndarray
    texts: np.ndarray
    wanted: np.ndarray
    slots: np.ndarray
    slot_valid: np.ndarray
    set_name: str = ""
    shows: tuple[str, ...] = ()
    key: str = ""


class View:
    """A crop, scale and flip of a photo onto a square canvas, the same for picture and masks."""

    def __init__(self, box: tuple[float, float, float, float], size: int, flip: bool) -> None:
        x0, y0, x1, y1 = box
        self.box, self.size, self.flip = box, size, flip
        self.scale = size / max(x1 - x0, y1 - y0)
        self.inner = (round((x1 - x0) * self.scale), round((y1 - y0) * self.scale))

    def picture(self, image: Image.Image) -> Image.Image:
        """The view of an RGB photo, black right and below."""
        part = image.resize(self.inner, Image.Resampling.BILINEAR, box=self.box, reducing_gap=2.0)
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if self.flip else part
        canvas = Image.new("RGB", (self.size, self.size))
        canvas.paste(part)
        return canvas

    def coverage(self, mask: np.ndarray) -> np.ndarray:
        """The view of an (H, W) bool mask, (S/4, S/4) float32 share of each cell that it covers."""
        cells = self.size // STRIDE
        width, height = (max(1, round(v / STRIDE)) for v in self.inner)
        small = Image.fromarray(mask.astype(np.uint8) * 255).resize(
            (width, height), Image.Resampling.BOX, box=self.box
        )
        values = np.asarray(small, np.float32) / 255
        out = np.zeros((cells, cells), np.float32)
        out[:height, :width] = values[:, ::-1] if self.flip else values
        return out


def choose_view(
    record: datasets.PhotoRecord, config: SampleConfig, rng: np.random.Generator
) -> View:
    """A random window: most often around the whole photo, sometimes around one object."""
    width, height = record.width, record.height
    closest, farthest = config.scale
    if record.shows:  # somewhere: a narrow window might miss it
        farthest = min(farthest, 1.15)
    window = max(width, height) / np.exp(rng.uniform(*np.log((closest, farthest))))
    centre = None
    boxes = [a.bbox for a in record.annotations if a.part != "region"]
    if record.objects and boxes and rng.random() < config.zoom_to_object:
        chosen = record.objects[rng.integers(len(record.objects))].id
        mine = np.array([a.bbox for a in record.annotations if a.object_id == chosen])
        if len(mine):
            x0, y0 = mine[:, :2].min(0)
            x1, y1 = (mine[:, :2] + mine[:, 2:]).max(0)
            window = max(48.0, max(x1 - x0, y1 - y0) * rng.uniform(1.05, 1.6))
            centre = ((x0 + x1) / 2, (y0 + y1) / 2)
    spans = []
    for axis, length in enumerate((width, height)):
        extent = min(window, length)
        start = rng.uniform(0, length - extent) if centre is None else centre[axis] - extent / 2
        start = float(np.clip(start, 0, length - extent))
        spans.append((start, start + extent))
    (x0, x1), (y0, y1) = spans
    view = View((x0, y0, x1, y1), config.size, flip=bool(rng.random() < 0.5))
    if window > max(width, height):  # smaller than the canvas, as at the edge of a padded photo
        view.scale = config.size / window
        view.inner = (round(width * view.scale), round(height * view.scale))
    return view


def jitter_colour(image: Image.Image, amount: float, rng: np.random.Generator) -> Image.Image:
    """Random brightness, contrast and saturation."""
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(float(rng.uniform(1 - amount, 1 + amount)))
    return image


def degrade(image: Image.Image, config: SampleConfig, rng: np.random.Generator) -> Image.Image:
    """What phones and the web do to photos: sometimes a soft blur, sometimes JPEG artefacts.

    ``config.blur`` and ``config.compression`` are the shares of photos that get each.
    """
    if rng.random() < config.blur:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.4))))
    if rng.random() < config.compression:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=int(rng.integers(25, 75)))
        image = Image.open(stream).convert("RGB")
    return image


def components(mask: np.ndarray, least: int = 6) -> list[np.ndarray]:
    """Connected components of at least ``least`` cells."""
    labelled, count = ndimage.label(mask)
    found = [labelled == i + 1 for i in range(count)]
    return [c for c in found if c.sum() >= least]


def make_sample(
    dataset: datasets.PartDataset,
    record: datasets.PhotoRecord,
    config: SampleConfig,
    rng: np.random.Generator,
) -> Sample:
    """Augment one photo and simulate what a visitor might do on it."""
    view = choose_view(record, config, rng)
    with Image.open(record.path) as opened:
        picture = jitter_colour(view.picture(opened.convert("RGB")), config.colour, rng)
    picture = degrade(picture, config, rng)
    owners = dict.fromkeys(a.object for a in record.annotations if a.object != datasets.SCENE)
    names = [(o, p) for o in owners for p in dataset.parts_of(o) if p != datasets.WHOLE]
    if rng.random() < config.subset_of_names and len(names) > 2:
        names = [n for n in names if rng.random() < 0.5] or names
    index = {name: i for i, name in enumerate(names)}
    parts, objects, regions = _visible(record, view, index)
    labels = _labels(parts, dataset.exhaustive, config.size // STRIDE)
    known = dataset.exhaustive
    sample = Sample(
        image=np.array(picture),
        labels=labels,
        names=names,
        objects=[(n, m, known) for n, m in objects.items()],
        parts=[t for t in parts if t.name >= 0],
        set_name=dataset.name,
        shows=record.shows,
        **_no_prompts(config),
    )
    _simulate(sample, parts, list(objects.values()), regions, config, rng)
    return sample


def _visible(
    record: datasets.PhotoRecord, view: View, index: Mapping[tuple[str, str], int]
) -> tuple[list[Target], dict[str, np.ndarray], list[np.ndarray]]:
    """Part masks, object coverage by name and nameless regions that are still in view."""
    parts: list[Target] = []
    objects: dict[str, np.ndarray] = {}
    regions: list[np.ndarray] = []
    for record_object in record.objects:
        cover = view.coverage(datasets.decode_rle(record_object.rle))
        objects[record_object.name] = np.maximum(objects.get(record_object.name, 0), cover)
    for note in record.annotations:
        cover = view.coverage(datasets.decode_rle(note.rle))
        mask = cover > 0.5 if (cover > 0.5).any() else cover > 0.2
        if not mask.any():
            continue
        if note.object == datasets.SCENE:
            regions.append(mask)
            continue
        if note.part != datasets.WHOLE:
            parts.append(Target(mask, index.get((note.object, note.part), -1), "part"))
        if not record.objects:
            objects[note.object] = np.maximum(objects.get(note.object, 0), cover)
    return parts, {n: m for n, m in objects.items() if (m > 0.5).any()}, regions


def _labels(parts: Sequence[Target], exhaustive: bool, cells: int) -> np.ndarray:
    """Index of the smallest named mask at each cell."""
    labels = np.full((cells, cells), NONE if exhaustive and parts else IGNORE, np.int16)
    for target in sorted(parts, key=lambda t: -t.mask.sum()):
        if target.name >= 0:
            labels[target.mask] = target.name
    return labels


def _no_prompts(config: SampleConfig) -> dict[str, Any]:
    count, cells = config.prompts, config.size // STRIDE
    return {
        "points": np.zeros((count, 2, 2), np.float32),
        "kinds": np.full((count, 2), PADDING, np.int64),
        "texts": np.full(count, -1, np.int64),
        "wanted": np.zeros((count, cells, cells), bool),
        "slots": np.zeros((count, 3, cells, cells), bool),
        "slot_valid": np.zeros((count, 3), bool),
    }


def _simulate(
    sample: Sample,
    parts: Sequence[Target],
    objects: Sequence[np.ndarray],
    regions: Sequence[np.ndarray],
    config: SampleConfig,
    rng: np.random.Generator,
) -> None:
    """Fill in ``config.prompts`` prompts: clicks, boxes, words, and clicks or boxes with words."""
    pieces = [(c, t.name) for t in parts for c in components(t.mask)]
    wholes = [o > 0.5 for o in objects if (o > 0.5).sum() >= 6]
    pool = [(m, n, "part") for m, n in pieces] + [(m, -1, "object") for m in wholes]
    pool += [(m, -1, "region") for m in regions if m.sum() >= 6]
    if not pool:
        return
    weights = np.array([{"part": 1.0, "object": 1.5, "region": 1.0}[kind] for *_, kind in pool])
    for row in range(config.prompts):
        mask, name, kind = pool[rng.choice(len(pool), p=weights / weights.sum())]
        style = rng.random()
        if name >= 0 and style < 0.12:  # words alone: every piece of that name is meant
            sample.texts[row] = name
            mask = np.any([t.mask for t in parts if t.name == name], axis=0)
        elif style < 0.32:
            sample.points[row], sample.kinds[row] = _box(mask, rng), (BOX_CORNER_1, BOX_CORNER_2)
        else:
            sample.points[row, 0], sample.kinds[row, 0] = _click(mask, rng), POSITIVE
        if name >= 0 and style >= 0.12 and rng.random() < 0.2:
            sample.texts[row] = name
        sample.wanted[row] = mask
        single_click = sample.kinds[row, 0] == POSITIVE and sample.texts[row] < 0
        if single_click and kind != "region":
            _fill_slots(sample, row, [m for m, _ in pieces], wholes)


def _fill_slots(
    sample: Sample, row: int, pieces: Sequence[np.ndarray], wholes: Sequence[np.ndarray]
) -> None:
    """What whole, part and sub-part mean under the click of prompt ``row``."""
    x, y = (sample.points[row, 0] // STRIDE).astype(int)
    under = sorted((m for m in pieces if m[y, x]), key=lambda m: -m.sum())
    around = sorted((m for m in wholes if m[y, x]), key=lambda m: m.sum())
    chosen = (around[:1], under[:1], under[-1:])
    for slot, masks in enumerate(chosen):
        if masks:
            sample.slots[row, slot], sample.slot_valid[row, slot] = masks[0], True


def _click(mask: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """(x, y) inside the mask, in sample pixels; half of the clicks go to the inner part."""
    chosen = mask
    if rng.random() < 0.5:
        distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        chosen = distance >= 0.6 * distance.max()
    ys, xs = np.nonzero(chosen)
    pick = rng.integers(len(ys))
    return tuple((np.array([xs[pick], ys[pick]]) + rng.random(2)) * STRIDE - 0.5)


def _box(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(2, 2) corners of a loose box: each edge off by up to a tenth of the side."""
    ys, xs = np.nonzero(mask)
    low, high = np.array([xs.min(), ys.min()]), np.array([xs.max() + 1, ys.max() + 1])
    slack = 0.1 * (high - low)
    corners = np.stack([low + rng.uniform(-slack, slack), high + rng.uniform(-slack, slack)])
    return corners * STRIDE - 0.5


def correction(
    wanted: np.ndarray, predicted: np.ndarray, rng: np.random.Generator
) -> tuple[tuple[float, float], int]:
    """The next click: somewhere inside the larger kind of error, with its sign."""
    missed, extra = wanted & ~predicted, predicted & ~wanted
    errors, kind = (missed, POSITIVE) if missed.sum() >= extra.sum() else (extra, NEGATIVE)
    if not errors.any():
        errors, kind = wanted, POSITIVE
    return _click(errors, rng), kind
