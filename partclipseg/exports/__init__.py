"""Results as files that other programs read.

``export`` makes any of ``FORMATS`` with a safe name of its own:

    >>> file = exports.export("svg", photo.array, found)
    >>> exports.write_atomically(folder / file.name, file.content)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from partclipseg import plots
from partclipseg.errors import InputError
from partclipseg.exports.annotations import COLUMNS, as_json, coco, coco_json, summary_csv
from partclipseg.exports.archives import cutouts_zip, labels_zip, npz, zipped
from partclipseg.exports.names import EDGES, RESERVED, numbered, safe_stem, sweep, write_atomically
from partclipseg.exports.pictures import (
    check_photo,
    cutout_png,
    label_legend,
    label_map_png,
    mask_png,
    overlay_png,
    png,
)
from partclipseg.exports.vector import polygons, svg
from partclipseg.images import SUFFIXES
from partclipseg.results import Segmentation

__all__ = [
    "COLUMNS",
    "EDGES",
    "FORMATS",
    "RESERVED",
    "SUFFIXES",
    "File",
    "as_json",
    "check_photo",
    "coco",
    "coco_json",
    "cutout_png",
    "cutouts_zip",
    "export",
    "label_legend",
    "label_map_png",
    "labels_zip",
    "mask_png",
    "npz",
    "numbered",
    "overlay_png",
    "png",
    "polygons",
    "safe_stem",
    "summary_csv",
    "svg",
    "sweep",
    "write_atomically",
    "zipped",
]


@dataclass(frozen=True)
class File:
    """A file that is not written yet."""

    name: str
    content: bytes


_Maker = Callable[[np.ndarray, Segmentation, float], bytes]
_MAKERS: dict[str, tuple[str, _Maker]] = {
    "overlay": (".png", lambda photo, found, opacity: overlay_png(photo, found, opacity=opacity)),
    "cutouts": (".zip", lambda photo, found, opacity: cutouts_zip(photo, found)),
    "labels": (".zip", lambda photo, found, opacity: labels_zip(found)),
    "coco": (".json", lambda photo, found, opacity: coco_json(found)),
    "svg": (".svg", lambda photo, found, opacity: svg(found, opacity=opacity)),
    "npz": (".npz", lambda photo, found, opacity: npz(found)),
    "csv": (".csv", lambda photo, found, opacity: summary_csv([found])),
    "areas": (".png", lambda photo, found, opacity: png(plots.areas(found))),
}
FORMATS = tuple(_MAKERS)
"""What ``export`` makes."""


def export(
    what: str, photo: np.ndarray, segmentation: Segmentation, *, opacity: float = 0.55
) -> File:
    """One result as ``<photo>_<what>.<ext>``.

    Args:
        what: one of ``FORMATS``.
        photo: (H, W, 3) uint8, of the result's size.
        opacity: of the colours, where the file has some.

    Raises:
        InputError: an unknown format, or a photo of another size.
    """
    if what not in _MAKERS:
        raise InputError(f"There is no format {what!r}; choose one of {', '.join(FORMATS)}.")
    check_photo(photo, segmentation)
    suffix, make = _MAKERS[what]
    name = f"{safe_stem(segmentation.image)}_{what}{suffix}"
    return File(name, make(photo, segmentation, opacity))
