"""Photo pixels <-> the model's grid: the only place where anything is scaled.

A photo is resized so that its long side is the model's size, then padded right and below to a
multiple of 32. Pixel (i, j) covers the square from (i, j) to (i + 1, j + 1), so its centre lies at
(i + 0.5, j + 0.5): points are given by pixel centres, boxes by edges.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image
from scipy import sparse


@dataclass(frozen=True)
class Frame:
    """One photo's place in the model's grid; all sizes in pixels.

    Attributes:
        width, height: the photo.
        inner_width, inner_height: the resized photo.
        padded_width, padded_height: the model's input, multiples of the padding unit.
    """

    width: int
    height: int
    inner_width: int
    inner_height: int
    padded_width: int
    padded_height: int

    @classmethod
    def fit(cls, width: int, height: int, long_side: int = 448, multiple: int = 32) -> "Frame":
        """The frame of a photo, scaled up or down to ``long_side``."""
        scale = long_side / max(width, height)
        inner_width, inner_height = (max(1, round(v * scale)) for v in (width, height))
        return cls(
            width, height, inner_width, inner_height,
            -(-inner_width // multiple) * multiple, -(-inner_height // multiple) * multiple,
        )  # fmt: skip

    @property
    def _scale(self) -> np.ndarray:
        return np.array([self.inner_width / self.width, self.inner_height / self.height])

    def points_to_model(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) pixel centres (x, y) of the photo -> of the model's grid."""
        return (np.asarray(points, float).reshape(-1, 2) + 0.5) * self._scale - 0.5

    def points_to_photo(self, points: np.ndarray) -> np.ndarray:
        """Inverse of ``points_to_model``."""
        return (np.asarray(points, float).reshape(-1, 2) + 0.5) / self._scale - 0.5

    def boxes_to_model(self, boxes: np.ndarray) -> np.ndarray:
        """(N, 4) edges x0, y0, x1, y1 of the photo -> of the model's grid."""
        return np.asarray(boxes, float).reshape(-1, 4) * np.tile(self._scale, 2)

    def boxes_to_photo(self, boxes: np.ndarray) -> np.ndarray:
        """Inverse of ``boxes_to_model``."""
        return np.asarray(boxes, float).reshape(-1, 4) / np.tile(self._scale, 2)

    def image_to_model(self, array: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 -> (padded_height, padded_width, 3) uint8, antialiased, black padding."""
        resized = Image.fromarray(array).resize(
            (self.inner_width, self.inner_height), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        out = np.zeros((self.padded_height, self.padded_width, 3), np.uint8)
        out[: self.inner_height, : self.inner_width] = np.asarray(resized)
        return out

    def mask_to_model(self, mask: np.ndarray, stride: int = 4) -> np.ndarray:
        """(H, W) bool or [0, 1] float -> share of each cell that is covered.

        Returns:
            float32 (padded_height / stride, padded_width / stride), zero in the padding.
        """
        values = np.asarray(mask, np.float32)
        by_row = _shares(self.height, self.inner_height, self.padded_height, stride)
        by_column = _shares(self.width, self.inner_width, self.padded_width, stride)
        return np.clip((by_column @ (by_row @ values).T).T, 0, 1)

    def map_to_photo(self, values: np.ndarray) -> np.ndarray:
        """(h, w) float32 over the padded grid, at any stride -> (height, width), bilinear."""
        right = values.shape[1] * self.inner_width / self.padded_width
        below = values.shape[0] * self.inner_height / self.padded_height
        # Pillow's filter reaches over the edges of ``box``: cells of the padding have to go before.
        inner = np.ascontiguousarray(values[: math.ceil(below), : math.ceil(right)], np.float32)
        grown = Image.fromarray(inner).resize(
            (self.width, self.height), Image.Resampling.BILINEAR, box=(0, 0, right, below)
        )
        return np.asarray(grown, np.float32)


@lru_cache(maxsize=32)
def _shares(pixels: int, inner: int, padded: int, stride: int) -> sparse.csr_array:
    """(cells, pixels) float32: the share of each cell of the model's grid that a pixel covers.

    Along one axis; the average over a cell is exact, however photo and grid lie to each other.
    """
    count = padded // stride
    edges = np.arange(count + 1) * (stride * pixels / inner)  # of the cells, in photo pixels
    inside = edges[:-1] < pixels
    first = np.floor(edges[:-1][inside]).astype(int)
    last = np.minimum(np.ceil(edges[1:][inside]).astype(int), pixels)
    touched = last - first
    rows = np.repeat(np.flatnonzero(inside), touched)
    starts = np.repeat(np.cumsum(touched) - touched, touched)
    columns = np.repeat(first, touched) + np.arange(len(rows)) - starts
    overlap = np.minimum(columns + 1, edges[rows + 1]) - np.maximum(columns, edges[rows])
    shares = (overlap / (edges[1] - edges[0])).astype(np.float32)
    return sparse.csr_array((shares, (rows, columns)), shape=(count, pixels))
