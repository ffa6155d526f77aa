"""Photo pixels <-> the model's grid: the only place where anything is scaled.

A photo is resized so that its long side is the model's size, then padded right and below to a
multiple of 32. Pixel (i, j) covers the square from (i, j) to (i + 1, j + 1), so its centre lies at
(i + 0.5, j + 0.5): points are given by pixel centres, boxes by edges.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image


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
        out[: self.inner_height, : self.inner_width] = resized
        return out

    def mask_to_model(self, mask: np.ndarray, stride: int = 4) -> np.ndarray:
        """(H, W) bool or [0, 1] float -> share of each cell that is covered.

        Returns:
            float32 (padded_height / stride, padded_width / stride), zero in the padding.
        """
        height, width = self.padded_height // stride, self.padded_width // stride
        # The padded grid's extent in photo pixels; what lies outside the photo is zero.
        right = self.padded_width / self._scale[0]
        below = self.padded_height / self._scale[1]
        canvas = np.zeros((int(np.ceil(below)), int(np.ceil(right))), np.float32)
        canvas[: self.height, : self.width] = mask
        small = Image.fromarray(canvas).resize(
            (width, height), _shrinking(canvas.shape[1] / width), box=(0, 0, right, below)
        )
        return np.clip(np.asarray(small, np.float32), 0, 1)

    def map_to_photo(self, values: np.ndarray) -> np.ndarray:
        """(h, w) float32 over the padded grid, at any stride -> (height, width), bilinear."""
        height, width = values.shape
        box = (
            0.0, 0.0,
            width * self.inner_width / self.padded_width,
            height * self.inner_height / self.padded_height,
        )  # fmt: skip
        grown = Image.fromarray(np.ascontiguousarray(values, np.float32)).resize(
            (self.width, self.height), Image.Resampling.BILINEAR, box=box
        )
        return np.asarray(grown, np.float32)


def _shrinking(factor: float) -> Image.Resampling:
    """Area average when shrinking; bilinear when the grid is finer than the photo."""
    return Image.Resampling.BOX if factor >= 1 else Image.Resampling.BILINEAR
