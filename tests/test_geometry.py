"""The one place where anything is scaled: laws that hold for photos of any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg.geometry import Frame

sides = st.integers(16, 4000)
small_sides = st.integers(16, 300)
shares = st.floats(0, 1)
few = settings(deadline=None, max_examples=40)


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max() < 1e-6)


@settings(deadline=None)
@given(sides, sides, st.sampled_from([448, 672]), st.sampled_from([32, 64]))
def test_the_frame_holds_the_photo(width: int, height: int, long_side: int, multiple: int) -> None:
    frame = Frame.fit(width, height, long_side, multiple)
    assert max(frame.inner_width, frame.inner_height) == long_side
    assert min(frame.inner_width, frame.inner_height) >= 1
    assert abs(frame.inner_width * height - frame.inner_height * width) <= max(width, height)
    for inner, padded in (
        (frame.inner_width, frame.padded_width),
        (frame.inner_height, frame.padded_height),
    ):
        assert padded % multiple == 0 and 0 <= padded - inner < multiple


@settings(deadline=None)
@given(sides, sides, st.lists(st.tuples(shares, shares), min_size=1, max_size=5))
def test_points_and_boxes_come_back(
    width: int, height: int, places: list[tuple[float, float]]
) -> None:
    frame = Frame.fit(width, height)
    points = np.array(places) * (width, height) - 0.5
    assert close(frame.points_to_photo(frame.points_to_model(points)), points)
    boxes = np.concatenate([points, points + 3], 1)
    assert close(frame.boxes_to_photo(frame.boxes_to_model(boxes)), boxes)


@settings(deadline=None)
@given(sides, sides)
def test_corners_and_centres_meet_those_of_the_model(width: int, height: int) -> None:
    frame = Frame.fit(width, height)
    outer = frame.points_to_model(np.array([(-0.5, -0.5), (width - 0.5, height - 0.5)]))
    assert close(
        outer, np.array([(-0.5, -0.5), (frame.inner_width - 0.5, frame.inner_height - 0.5)])
    )
    # A box given by edges and its centre, as a point, stay together.
    box = frame.boxes_to_model(np.array([[2.0, 3.0, 10.0, 13.0]]))[0]
    centre = frame.points_to_model(np.array([[5.5, 7.5]]))[0]
    assert close((box[:2] + box[2:]) / 2 - 0.5, centre)


def test_no_points_and_no_boxes() -> None:
    frame = Frame.fit(64, 48)
    assert frame.points_to_model(np.zeros((0, 2))).shape == (0, 2)
    assert frame.boxes_to_model(np.zeros((0, 4))).shape == (0, 4)


def test_the_picture_lies_at_the_upper_left_on_black() -> None:
    frame = Frame.fit(100, 67)
    out = frame.image_to_model(np.full((67, 100, 3), 200, np.uint8))
    assert out.shape == (frame.padded_height, frame.padded_width, 3) and out.dtype == np.uint8
    assert (out[: frame.inner_height, : frame.inner_width] == 200).all()
    assert frame.inner_height < frame.padded_height and not out[frame.inner_height :].any()


def test_fine_patterns_are_averaged_when_shrunk() -> None:
    stripes = np.zeros((900, 1344, 3), np.uint8)
    stripes[:, ::2] = 255
    out = Frame.fit(1344, 900).image_to_model(stripes)[20:280, 20:-20]
    assert np.abs(out.astype(int) - 127).max() <= 20


@few
@given(small_sides, small_sides, st.sampled_from([4, 16]))
def test_a_mask_of_the_whole_photo_covers_the_inside_and_nothing_else(
    width: int, height: int, stride: int
) -> None:
    frame = Frame.fit(width, height)
    cover = frame.mask_to_model(np.ones((height, width), bool), stride)
    assert cover.shape == (frame.padded_height // stride, frame.padded_width // stride)
    assert cover.dtype == np.float32
    rows = np.clip(frame.inner_height / stride - np.arange(cover.shape[0]), 0, 1)
    columns = np.clip(frame.inner_width / stride - np.arange(cover.shape[1]), 0, 1)
    assert np.abs(cover - np.outer(rows, columns)).max() < 1e-5


@few
@given(small_sides, small_sides, st.integers(0, 2**32 - 1))
def test_mask_to_model_keeps_the_area(width: int, height: int, seed: int) -> None:
    frame = Frame.fit(width, height)
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    cell = 16 * width * height / (frame.inner_width * frame.inner_height)
    assert frame.mask_to_model(mask).sum() * cell == pytest.approx(mask.sum(), rel=1e-4)


@few
@given(st.integers(64, 900), st.integers(64, 900), shares, shares)
def test_a_square_keeps_its_centre(width: int, height: int, across: float, down: float) -> None:
    side = min(width, height) // 3
    margin = side // 2  # away from the edges, where the blur of the way back would be cut off
    x = margin + int(across * (width - side - 2 * margin))
    y = margin + int(down * (height - side - 2 * margin))
    mask = np.zeros((height, width), bool)
    mask[y : y + side, x : x + side] = True
    frame = Frame.fit(width, height)
    back = frame.map_to_photo(frame.mask_to_model(mask)).astype(float)
    ys, xs = np.mgrid[:height, :width]
    centre = np.array([(back * xs).sum(), (back * ys).sum()]) / back.sum()
    assert np.abs(centre - (x + (side - 1) / 2, y + (side - 1) / 2)).max() < 0.5


@few
@given(st.integers(150, 1200), st.integers(150, 1200), st.sampled_from([4, 8, 16]))
def test_a_linear_ramp_comes_back_as_that_ramp(width: int, height: int, stride: int) -> None:
    frame = Frame.fit(width, height)
    # Values at the centres of the cells, in coordinates of the photo.
    ys, xs = np.mgrid[: frame.padded_height // stride, : frame.padded_width // stride]
    cells = np.stack([xs, ys], -1).reshape(-1, 2) * stride + (stride - 1) / 2
    x, y = frame.points_to_photo(cells).T
    ramp = (2 * x - 3 * y).reshape(xs.shape).astype(np.float32)
    back = frame.map_to_photo(ramp)
    assert back.shape == (height, width) and back.dtype == np.float32
    rows, columns = np.mgrid[:height, :width]
    edge = int(np.ceil(stride * max(width / frame.inner_width, height / frame.inner_height)))
    inside = (slice(edge, -edge), slice(edge, -edge))
    assert np.abs(back - (2 * columns - 3 * rows))[inside].max() < 0.05


@few
@given(sides, sides, st.sampled_from([4, 16]))
def test_the_padding_never_leaks(width: int, height: int, stride: int) -> None:
    scale = 400 / max(width, height)
    frame = Frame.fit(max(16, int(width * scale)), max(16, int(height * scale)))
    values = np.full((frame.padded_height // stride, frame.padded_width // stride), np.nan)
    values[: -(-frame.inner_height // stride), : -(-frame.inner_width // stride)] = 1
    assert (frame.map_to_photo(values.astype(np.float32)) == 1).all()
