"""Results as pictures: overlay, masks, cut-outs, label map. Always PNG: nothing is lost."""

import io
from typing import Any

import numpy as np
from PIL import Image

from partclipseg.errors import InputError
from partclipseg.exports.annotations import as_json
from partclipseg.rendering import overlay, rgb, with_legend
from partclipseg.results import PartMask, Segmentation

PALETTE_SIZE = 255  # parts that an indexed PNG has room for, beside "none"


def png(picture: np.ndarray | Image.Image) -> bytes:
    """An array or PIL image as PNG."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def mask_png(part: PartMask) -> bytes:
    """A part's mask: 8-bit grey, 255 inside."""
    return png(part.mask.astype(np.uint8) * 255)


def overlay_png(photo: np.ndarray, segmentation: Segmentation, *, opacity: float = 0.55) -> bytes:
    """The (H, W, 3) uint8 photo with coloured parts and a legend."""
    return png(with_legend(overlay(photo, segmentation, opacity=opacity), segmentation))


def cutout_png(photo: np.ndarray, part: PartMask) -> bytes:
    """The part's pixels alone, RGBA, cropped to its box.

    What lies outside of the part is not only transparent but black: nothing of the photo that was
    to be cut away can be brought back.
    """
    x, y, width, height = part.bbox
    window = np.s_[y : y + height, x : x + width]
    mask = part.mask[window][..., None]
    picture = np.concatenate((photo[window] * mask, mask * np.uint8(255)), axis=2)
    return png(picture)


def label_map_png(segmentation: Segmentation) -> bytes:
    """Indexed PNG: 0 = no part, i + 1 = ``parts[i]``, in the parts' colours; smaller parts on top.

    With more than 255 parts, which a palette has no room for, 16-bit grey with the same numbers.
    """
    labels = segmentation.label_map()
    if len(segmentation.parts) > PALETTE_SIZE:
        return png(Image.fromarray(labels.astype(np.uint16)))
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette([v for colour in ((0, 0, 0), *_colours(segmentation)) for v in colour])
    return png(image)


def label_legend(segmentation: Segmentation) -> bytes:
    """What the numbers of the label map mean, as JSON."""
    none: dict[str, Any] = {"value": 0, "label": None, "colour": "#000000"}
    parts = [
        {"value": value, "label": part.label, "object": part.object, "part": part.part,
         "colour": part.colour, "rgb": list(rgb(part.colour)), "area": part.area}
        for value, part in enumerate(segmentation.parts, 1)
    ]  # fmt: skip
    return as_json(
        {"image": segmentation.image, "width": segmentation.width, "height": segmentation.height,
         "values": [none, *parts]}
    )  # fmt: skip


def check_photo(photo: np.ndarray, segmentation: Segmentation) -> None:
    """Raise InputError unless the (H, W, 3) photo is of the result's size."""
    if photo.shape != (segmentation.height, segmentation.width, 3):
        raise InputError(
            f"The photo is {photo.shape[1]} x {photo.shape[0]} pixels, but the result is for "
            f"{segmentation.width} x {segmentation.height}."
        )


def _colours(segmentation: Segmentation) -> list[tuple[int, int, int]]:
    return [rgb(part.colour) for part in segmentation.parts]
