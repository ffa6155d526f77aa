"""Masks as outlines: polygons, and SVG that drawing programs open."""

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
from contourpy import LineType, contour_generator

from partclipseg.results import PartMask, Segmentation

TOLERANCE = 0.3
"""Pixels that an outline may leave the border between two pixels. Outlines of neighbouring regions
are at least 0.7 apart, so at this they never cross, and a wall of one pixel stays."""

# XML 1.0 has no form for these, escaped or not.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def polygons(mask: np.ndarray, tolerance: float = TOLERANCE) -> list[np.ndarray]:
    """Outlines of an (H, W) bool mask, outer ones and holes, to be filled by the even-odd rule.

    The lines run half-way between the centres of pixels inside and outside (marching squares), then
    points that change nothing by more than ``tolerance`` pixels are left out. With a tolerance of
    0, the pixels whose centres lie inside are exactly the mask.

    Returns:
        Closed rings (N, 2) float, (x, y), pixels of the photo with (0, 0) at its upper left corner,
        so the first pixel's centre is (0.5, 0.5); the first point is not repeated.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    inside = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    padded = np.pad(inside, 1).astype(np.float64)  # so that every line closes
    lines = contour_generator(z=padded, line_type=LineType.Separate).lines(0.5)
    corner = np.array([left - 0.5, top - 0.5])
    return [_simplified(ring[:-1] + corner, tolerance) for ring in lines]


def svg(segmentation: Segmentation, *, opacity: float = 0.55) -> bytes:
    """One path a part, holes kept; larger parts below smaller ones.

    Each path has the label as its title, which browsers show on hover, and the part's place in the
    result as ``data-number``, counted from 1.
    """
    width, height = str(segmentation.width), str(segmentation.height)
    root = ElementTree.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", width=width, height=height,
        viewBox=f"0 0 {width} {height}",
    )  # fmt: skip
    ElementTree.SubElement(root, "title").text = _xml(segmentation.image)
    numbered = sorted(enumerate(segmentation.parts, 1), key=lambda item: (-item[1].area, -item[0]))
    for number, part in numbered:
        path = ElementTree.SubElement(root, "path", _attributes(part, number, opacity))
        ElementTree.SubElement(path, "title").text = _xml(part.label)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _attributes(part: PartMask, number: int, opacity: float) -> dict[str, str]:
    return {
        "id": f"part-{number}",
        "data-number": str(number),
        "data-label": _xml(part.label),
        "fill": part.colour,
        "fill-opacity": f"{min(1.0, max(0.0, opacity)):g}",
        "fill-rule": "evenodd",
        "stroke": part.colour,
        "d": " ".join(_commands(polygons(replace(part).mask))),
    }


def _commands(rings: list[np.ndarray]) -> Iterator[str]:
    for ring in rings:
        points = " ".join(f"{x:.2f}".rstrip("0").rstrip(".") + f",{y:.2f}".rstrip("0").rstrip(".")
                          for x, y in ring)  # fmt: skip
        yield f"M{points}Z"


def _xml(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _simplified(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """Douglas & Peucker (1973) on a closed ring, split at its first point and the farthest from it.

    A ring that would be left without area stays as it is.
    """
    if tolerance <= 0 or len(ring) < 5:
        return ring
    closed = np.concatenate((ring, ring[:1]))
    far = int(((ring - ring[0]) ** 2).sum(1).argmax())
    keep = np.zeros(len(closed), bool)
    keep[[0, far, -1]] = True
    pending = [(0, far), (far, len(ring))]
    while pending:
        first, last = pending.pop()
        if last - first < 2:
            continue
        away = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(away.argmax())
        if away[worst] > tolerance:
            split = first + 1 + worst
            keep[split] = True
            pending += [(first, split), (split, last)]
    return ring[keep[:-1]] if keep[:-1].sum() > 2 else ring


def _distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Of (N, 2) points from the segment between two others: (N,)."""
    along = end - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-12), 0, 1)
    return np.asarray(np.hypot(*(points - start - share[:, None] * along).T))
