"""Overlap, label maps, the dataset-level tally, and the simulated clicks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from partclipseg.evaluation import clicks, metrics
from partclipseg.evaluation.metrics import Mask

Points = NDArray[np.float64]
PointLabels = NDArray[np.int64]


def rectangle(x0: int, y0: int, x1: int, y1: int, shape: tuple[int, int] = (20, 30)) -> Mask:
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_iou_by_hand() -> None:
    a, b = rectangle(0, 0, 4, 4), rectangle(1, 0, 5, 4)
    assert metrics.iou(a, b) == pytest.approx(12 / 20)
    assert metrics.iou(a, a) == 1.0
    assert metrics.iou(a, rectangle(10, 10, 12, 12)) == 0.0
    empty = np.zeros_like(a)
    assert metrics.iou(empty, empty) == 0.0


def test_the_smaller_mask_is_the_label_in_any_order() -> None:
    head, eye = rectangle(0, 0, 10, 10), rectangle(2, 2, 4, 4)
    expected = np.full((20, 30), metrics.NOTHING)
    expected[:10, :10], expected[2:4, 2:4] = 7, 3
    assert (metrics.label_map((20, 30), [head, eye], [7, 3]) == expected).all()
    assert (metrics.label_map((20, 30), [eye, head], [3, 7]) == expected).all()


def test_a_label_map_of_no_masks_is_empty() -> None:
    assert (metrics.label_map((2, 3), [], []) == metrics.NOTHING).all()


def test_overlap_by_hand() -> None:
    target = np.array([0, 0, 0, 1, 1, -1, -1])
    predicted = np.array([0, 0, 1, 1, -1, 0, -1])
    counts = metrics.overlap(predicted, target, 3)
    assert counts.intersection.tolist() == [2, 1, 0]
    assert counts.predicted.tolist() == [3, 2, 0]
    assert counts.target.tolist() == [3, 2, 0]
    assert counts.iou.tolist() == pytest.approx([2 / 4, 1 / 3, 0.0])


def test_a_tally_adds_pixels_not_ratios() -> None:
    tally = metrics.Tally()
    # 1 of 1 pixel right, then 0 of 3: the mean of the photos' IoU would be 0.5, the set's is 1/4.
    tally.add(["wheel", "door"], metrics.overlap(np.array([0]), np.array([0]), 2))
    tally.add(["wheel", "door"], metrics.overlap(np.array([-1] * 3), np.array([0] * 3), 2))
    assert tally.per_class() == {"wheel": {"iou": 0.25, "count": 2}}
    assert tally.miou() == 0.25
    assert tally.occurrences == 2


def test_a_class_that_never_occurs_is_left_out_but_costs_the_others() -> None:
    tally = metrics.Tally()
    tally.add(["wheel", "door"], metrics.overlap(np.array([0, 1]), np.array([0, 0]), 2))
    assert tally.per_class() == {"wheel": {"iou": 0.5, "count": 1}}
    assert tally.miou() == 0.5


def test_an_empty_tally_has_no_mean() -> None:
    assert metrics.Tally().miou() is None
    assert metrics.mean([]) is None


def test_the_boundary_is_a_band_along_the_outline() -> None:
    # The diagonal of 60 x 80 is 100 pixels, 2% of it are 2.
    block = rectangle(10, 10, 30, 30, (60, 80))
    band = metrics.boundary(block)
    assert int(band.sum()) == 20 * 20 - 16 * 16
    assert band[10, 10] and band[11, 11] and not band[12, 12]
    assert not (band & ~block).any()
    assert metrics.boundary(np.ones((60, 80), bool)).sum() == 60 * 80 - 56 * 76
    assert not metrics.boundary(np.zeros((60, 80), bool)).any()
    assert metrics.boundary(rectangle(3, 3, 4, 9)).sum() == 6  # never less than a pixel wide


def test_boundary_iou_sees_what_iou_forgives() -> None:
    a, b = rectangle(10, 10, 50, 50, (60, 80)), rectangle(12, 10, 52, 50, (60, 80))
    assert metrics.boundary_iou(a, a) == 1.0
    assert metrics.iou(a, b) > 0.9
    assert metrics.boundary_iou(a, b) < 0.6
    assert metrics.boundary_iou(np.zeros_like(a), np.zeros_like(a)) == 0.0


def test_calibration_by_hand() -> None:
    calibration = metrics.Calibration()
    assert calibration.error() is None and calibration.bins() == []
    for probability, right in ((1.0, True), (0.95, False), (0.52, True), (0.58, True)):
        calibration.add(probability, right)
    half, sure = calibration.bins()
    assert half == {"low": 0.5, "high": 0.6, "count": 2, "confidence": 0.55, "accuracy": 1.0}
    assert sure == {"low": 0.9, "high": 1.0, "count": 2, "confidence": 0.975, "accuracy": 0.5}
    assert calibration.error() == pytest.approx((2 * 0.45 + 2 * 0.475) / 4)


def test_a_target_has_at_least_two_thousandths_of_the_photo() -> None:
    assert metrics.large_enough(2, (20, 50))
    assert not metrics.large_enough(1, (20, 50))
    assert not metrics.large_enough(0, (1, 1))


def test_components_are_split_and_specks_dropped() -> None:
    mask = rectangle(0, 0, 10, 10, (50, 50)) | rectangle(20, 20, 30, 30, (50, 50))
    mask[40, 40] = True  # 1 of 2500 pixels
    mask[10, 10] = True  # touches the first by a corner only: a piece of its own, and a speck
    pieces = clicks.components(mask)
    assert [int(piece.sum()) for piece in pieces] == [100, 100]
    assert pieces[0][0, 0] and pieces[1][25, 25]
    assert clicks.components(np.zeros((5, 5), bool)) == []


def test_the_interior_point_is_the_middle() -> None:
    assert clicks.interior_point(rectangle(4, 3, 13, 10)) == (7, 6)


def test_the_border_of_the_photo_is_outside() -> None:
    # With the border ignored, a corner pixel would be the deepest point of a full photo.
    assert clicks.interior_point(np.ones((7, 7), bool)) == (3, 3)
    assert clicks.interior_point(rectangle(0, 0, 5, 20)) == (2, 2)


def test_the_interior_point_of_a_ring_lies_on_it() -> None:
    y, x = np.mgrid[:41, :41]
    ring = (np.hypot(x - 20, y - 20) <= 18) & (np.hypot(x - 20, y - 20) >= 10)
    px, py = clicks.interior_point(ring)
    assert ring[py, px]


def test_an_empty_region_has_no_interior_point() -> None:
    with pytest.raises(ValueError, match="empty"):
        clicks.interior_point(np.zeros((4, 4), bool))


def test_the_next_click_goes_to_the_largest_error() -> None:
    target, nothing = rectangle(5, 5, 15, 15), np.zeros((20, 30), bool)
    missing_most = rectangle(5, 5, 8, 15) | rectangle(20, 0, 22, 3)
    assert clicks.next_click(missing_most, target, nothing) == ((11, 8), 1)
    too_much = rectangle(5, 5, 29, 15)
    (x, y), label = clicks.next_click(too_much, target, nothing)
    assert label == 0 and 15 < x < 29 and 5 < y < 15
    with pytest.raises(ValueError, match="nothing to click"):
        clicks.next_click(target, target, nothing)


def test_a_model_that_ignores_clicks_is_never_asked_the_same_twice() -> None:
    target = rectangle(5, 5, 15, 15)
    asked: list[tuple[float, float]] = []

    def deaf(points: Points, labels: PointLabels, last: Mask | None) -> Mask:
        asked.append(tuple(points[-1]))
        return np.zeros_like(target)

    scores = clicks.simulate(deaf, target, np.zeros_like(target), enough=0.85)
    assert scores == [0.0] * clicks.MAX_CLICKS
    assert len(set(asked)) == len(asked) == clicks.MAX_CLICKS - 1
    assert clicks.clicks_to(scores, 0.8) == clicks.MAX_CLICKS


def test_clicks_are_counted_to_each_threshold() -> None:
    target = rectangle(0, 0, 20, 10)
    steps = iter([rectangle(0, 0, 16, 10), rectangle(0, 0, 20, 10)])
    seen: list[tuple[int, list[int], int]] = []

    def eager(points: Points, labels: PointLabels, last: Mask | None) -> Mask:
        assert last is not None
        seen.append((len(points), labels.tolist(), int(last.sum())))
        return next(steps)

    scores = clicks.simulate(eager, target, rectangle(0, 0, 10, 10), enough=0.85)
    assert scores == pytest.approx([0.5, 0.8, 1.0])
    assert [clicks.clicks_to(scores, wanted) for wanted in (0.5, 0.8, 0.85)] == [1, 2, 3]
    assert seen == [(2, [1, 1], 100), (3, [1, 1, 1], 160)]


def test_too_much_mask_is_answered_by_a_negative_click() -> None:
    target = rectangle(0, 0, 10, 10)
    labels_seen: list[list[int]] = []

    def obedient(points: Points, labels: PointLabels, last: Mask | None) -> Mask:
        labels_seen.append(labels.tolist())
        return target

    clicks.simulate(obedient, target, rectangle(0, 0, 30, 20), enough=0.85)
    assert labels_seen == [[1, 0]]
