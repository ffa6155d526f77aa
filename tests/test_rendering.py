"""Overlays and legends."""

import numpy as np
import pytest

from partclipseg import rendering
from partclipseg.errors import InputError
from partclipseg.results import PartMask, Segmentation

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

HOSTILE = [
    "wheel", "car: front door", "🚗 wheel 👩\u200d🔧", "汽车: 车轮", "자동차 바퀴",
    "عجلة السيارة", "גלגל",
    "a\0b\nc", "\ud800 half", "<b>bold</b>", "x" * 300, "轮" * 300, "عجلة " * 60, "", " ",
    "$\\frac{$", "e" + "\u0301" * 200,
]  # fmt: skip


def photo(height: int = 60, width: int = 80) -> np.ndarray:
    array = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    array.setflags(write=False)
    return array


def square(label: str, x: int, y: int, side: int, colour: str = "#ff0000") -> PartMask:
    mask = np.zeros((60, 80), bool)
    mask[y : y + side, x : x + side] = True
    return PartMask.from_mask(mask, label=label, colour=colour, similarity=0.25, predicted_iou=0.5)


def result(*parts: PartMask) -> Segmentation:
    return Segmentation("photo", 80, 60, "lite", parts)


def test_what_belongs_to_no_part_is_left_as_it_is() -> None:
    found = result(square("a", 10, 10, 30), square("b", 20, 20, 10, "#0000ff"))
    picture = rendering.overlay(photo(), found)
    outside = found.label_map() == 0
    assert (picture[outside] == photo()[outside]).all()
    assert (picture[~outside] != photo()[~outside]).any(1).mean() > 0.95
    assert picture.dtype == np.uint8 and picture.flags.writeable
    assert (rendering.overlay(photo(), result()) == photo()).all()


@pytest.mark.parametrize(("opacity", "expected"), [(1, 200), (0, 100), (0.5, 150), (7, 200)])
def test_opacity(opacity: float, expected: int) -> None:
    grey = np.full((60, 80, 3), 100, np.uint8)
    found = result(square("a", 10, 10, 30, "#c8c8c8"))
    picture = rendering.overlay(grey, found, opacity=opacity, outlines=False)
    assert (picture[10:40, 10:40] == expected).all()


def test_outlines_are_darker_and_follow_the_smaller_part() -> None:
    grey = np.full((60, 80, 3), 100, np.uint8)
    found = result(square("a", 10, 10, 30, "#c80000"), square("b", 20, 20, 10, "#0000c8"))
    picture = rendering.overlay(grey, found, opacity=0)
    assert picture[10, 15].tolist() == [150, 0, 0]
    assert picture[20, 25].tolist() == [0, 0, 150]
    assert picture[15, 15].tolist() == picture[25, 25].tolist() == [100, 100, 100]
    everything = result(PartMask.from_mask(np.ones((60, 80), bool), label="a"))
    assert (rendering.overlay(grey, everything, opacity=0) == 100).all()  # no border, no outline


def test_a_photo_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="80 x 59 pixels, but the result is for 80 x 60"):
        rendering.overlay(photo(59, 80), result())


@pytest.mark.parametrize("label", HOSTILE)
def test_any_label_fits_into_the_legend(label: str) -> None:
    named = Segmentation(label, 80, 60, "lite", (square(label, 5, 5, 9),))
    plain = rendering.with_legend(photo(), result(square("wheel", 5, 5, 9)))
    shown = rendering.with_legend(photo(), named)
    assert shown.size == plain.size
    pixels = np.asarray(shown)
    assert (pixels[:60, :80] == photo()).all()
    assert (pixels[:, -10:] == 255).all()  # nothing runs into the right margin


def test_the_legend_shows_each_colour_and_the_label() -> None:
    colours = ["#ff0000", "#00ff00", "#0000ff"]
    parts = [square(c, 5, 5, 9, c) for c in colours]
    panel = np.asarray(rendering.with_legend(photo(), result(*parts)))[:, 80:]
    for colour in colours:
        assert (panel == rendering.rgb(colour)).all(-1).sum() > 100
    other = np.asarray(rendering.with_legend(photo(), result(square("b", 5, 5, 9), *parts[1:])))
    assert (other[:, 80:] != panel).any()
    empty = np.asarray(rendering.with_legend(photo(), result()))[:, 80:]
    assert (empty != 255).any()  # says that nothing was found


@pytest.mark.parametrize(("height", "width"), [(60, 80), (600, 80), (1300, 200)])
def test_a_hundred_parts_flow_into_columns(height: int, width: int) -> None:
    colours = [f"#{i:02x}ff{255 - i:02x}" for i in range(100)]
    mask = np.zeros((height, width), bool)
    mask[:9, :9] = True
    parts = tuple(PartMask.from_mask(mask, label=c, colour=c) for c in colours)
    picture = np.zeros((height, width, 3), np.uint8)
    shown = rendering.with_legend(picture, Segmentation("p", width, height, "lite", parts))
    assert shown.height == max(height, rendering.LEGEND_HEIGHT)
    assert shown.width < width + 8000
    # Each swatch is there in full: no row is cut off or written over.
    found, counts = np.unique(np.asarray(shown) @ (65536, 256, 1), return_counts=True)
    swatches = counts[np.isin(found, [int(c[1:], 16) for c in colours])]
    assert len(swatches) == 100 and swatches.min() == swatches.max() > 100


def test_a_few_parts_on_a_small_photo_need_no_second_column() -> None:
    shown = rendering.with_legend(photo(), result(*(square(str(i), 5, 5, 9) for i in range(5))))
    assert shown.width - 80 < 300 and shown.height < 250


def test_the_font_is_chosen_by_what_it_can_draw() -> None:
    dejavu = rendering.font_file("")
    assert "DejaVuSans" in dejavu
    for text in ("wheel", "roue avant · é…", "عجلة", "ξ−→", "🚗"):
        assert rendering.font_file(text) == dejavu
    if len(rendering._fonts()) > 1:
        assert rendering.font_file("车轮") != dejavu


def test_what_no_font_can_draw_becomes_a_question_mark() -> None:
    assert rendering.drawable("a\ud800\n𓀀b") == "a  ?b"
    assert rendering.drawable("wheel · é") == "wheel · é"
    assert len(rendering.drawable("x" * 1000)) == rendering.LONGEST_LABEL
