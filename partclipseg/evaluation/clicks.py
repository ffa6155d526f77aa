"""A simulated person who clicks on a target until its mask is right."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from partclipseg.evaluation.metrics import Mask, iou, large_enough

MAX_CLICKS = 20

Click = tuple[int, int]
"""(x, y), the centre of a pixel of the photo."""
Predict = Callable[[NDArray[np.float64], NDArray[np.int64], Mask | None], Mask]
"""(points (N, 2), point labels (N,), the last mask (H, W) or None) -> a mask (H, W)."""


def components(mask: Mask) -> list[Mask]:
    """The 4-connected pieces of a mask that are at least 0.2% of the photo, in reading order."""
    labelled, _ = ndimage.label(mask)
    areas = np.bincount(labelled.ravel())
    return [labelled == i for i in range(1, len(areas)) if large_enough(int(areas[i]), mask.shape)]


def interior_point(region: Mask, taken: Mask | None = None) -> Click:
    """(x, y) of the pixel of ``region`` that is farthest from everything outside it.

    The border of the photo counts as outside. Pixels in ``taken`` (those clicked before) are left
    to the last, so that a model which ignores a click is asked something new. Ties go to the first
    pixel in reading order.

    Raises:
        ValueError: where ``region`` is empty.
    """
    if not region.any():
        raise ValueError("an empty region has no interior point")
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    depth = ndimage.distance_transform_edt(np.pad(region[window], 1))[1:-1, 1:-1]
    if taken is not None:
        depth = np.where(taken[window] & region[window], 0.5, depth)
    y, x = np.unravel_index(np.argmax(depth), depth.shape)
    return int(x + columns[0]), int(y + rows[0])


def next_click(predicted: Mask, target: Mask, taken: Mask) -> tuple[Click, int]:
    """Where to click next, and its label: 1 on what is missing, 0 on what is too much.

    The click goes to the most interior point of the largest connected region of error.

    Raises:
        ValueError: where the prediction is already the target.
    """
    best: tuple[int, Mask | None, int] = (0, None, 1)
    for label, wrong in ((1, target & ~predicted), (0, predicted & ~target)):
        labelled, count = ndimage.label(wrong)
        if not count:
            continue
        areas = np.bincount(labelled.ravel())[1:]
        largest = int(np.argmax(areas))
        if areas[largest] > best[0]:
            best = (int(areas[largest]), labelled == largest + 1, label)
    _, region, label = best
    if region is None:
        raise ValueError("the prediction is the target: there is nothing to click on")
    return interior_point(region, taken), label


def simulate(
    predict: Predict, target: Mask, first: Mask, *, enough: float, limit: int = MAX_CLICKS
) -> list[float]:
    """Click until the IoU with ``target`` is ``enough`` or ``limit`` clicks are used up.

    Args:
        predict: the model; see ``Predict``. It is given all clicks so far and its own last mask.
        target: ``(H, W)``, not empty.
        first: the model's mask for the first click at ``interior_point(target)``, so that a caller
            who has it already need not ask again.

    Returns:
        The IoU after each click.
    """
    clicks = [interior_point(target)]
    labels = [1]
    taken = np.zeros_like(target)
    mask, scores = first, [iou(first, target)]
    while scores[-1] < enough and len(scores) < limit:
        taken[clicks[-1][1], clicks[-1][0]] = True
        click, label = next_click(mask, target, taken)
        clicks.append(click)
        labels.append(label)
        mask = predict(np.asarray(clicks, np.float64), np.asarray(labels, np.int64), mask)
        scores.append(iou(mask, target))
    return scores


def clicks_to(scores: list[float], wanted: float, limit: int = MAX_CLICKS) -> int:
    """The number of clicks after which the IoU first was ``wanted``; ``limit`` if it never was."""
    return next((i for i, score in enumerate(scores, 1) if score >= wanted), limit)
