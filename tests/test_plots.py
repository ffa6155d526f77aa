"""Figures of results: what they show, and that no text breaks them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from partclipseg import plots
from partclipseg.errors import InputError
from partclipseg.rendering import rgb
from partclipseg.results import Labels, PartMask, Segmentation

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # of pycocotools
    pytest.mark.filterwarnings("error:Glyph"),
]

HOSTILE = ["wheel", "$5 & ${7*6}", "$\\frac{$", "a\0b\n", "عجلة", "🚗轮", "\ud800", "x" * 300, ""]


def photo(height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def result(*labels: str, colours: tuple[str, ...] = ()) -> Segmentation:
    parts = []
    for index, label in enumerate(labels):
        mask = np.zeros((60, 80), bool)
        mask[: 4 + index % 50, :40] = True
        colour = colours[index] if colours else None
        parts.append(PartMask.from_mask(mask, label=label, colour=colour))
    return Segmentation("photo", 80, 60, "lite", tuple(parts))


def coloured(picture: Image.Image, colour: str) -> int:
    return int((np.asarray(picture) == rgb(colour)).all(-1).sum())


def test_bars_have_the_parts_colours_and_lengths() -> None:
    small, large = "#cc79a7", "#009e73"
    labels = ["small", *"abcdefghijklmnopqrs", "large"]
    colours = (small, *["#888888"] * 19, large)
    shown = plots.areas(result(*labels, colours=colours))
    assert shown.mode == "RGB"
    ratio = coloured(shown, large) / coloured(shown, small)
    assert ratio == pytest.approx(24 / 4, rel=0.1)


def test_bars_of_nothing_and_of_very_many() -> None:
    assert plots.areas(result()).height < 300
    few, many = plots.areas(result(*["a"] * 60)), plots.areas(result(*["a"] * 5000))
    assert few.size == many.size and few.height < 2000


def test_names_are_written_at_the_axes() -> None:
    short, long = plots.areas(result("a", "b")), plots.areas(result("front door", "b"))
    assert short.tobytes() != long.tobytes()
    values = np.full((1, 1), 0.3, np.float32)
    rows = [plots.similarities([name], Labels(("x",), values, values)) for name in ("a", "bb")]
    columns = [plots.similarities(["x"], Labels((name,), values, values)) for name in ("a", "bb")]
    for one, other in (rows, columns):
        assert one.tobytes() != other.tobytes()


def labelled(masks: int, names: int) -> Labels:
    values = np.random.default_rng(0).uniform(-0.1, 0.6, (masks, names)).astype(np.float32)
    return Labels(tuple(f"name {i}" for i in range(names)), values, values)


def test_the_best_name_of_each_row_is_framed() -> None:
    labels = labelled(3, 4)
    shown = plots.similarities(["a", "b", "c"], labels)
    assert coloured(shown, "#d55e00") > 3 * 100
    again = Labels(labels.names, labels.similarities[:, ::-1], labels.probabilities)
    assert plots.similarities(["a", "b", "c"], again).tobytes() != shown.tobytes()


def test_a_large_matrix_keeps_the_names_that_matter() -> None:
    labels = labelled(60, 500)
    labels.similarities[0, 321] = 0.99
    columns = plots._columns(labels.similarities, labels.similarities.argmax(1))
    assert len(columns) == plots.MOST_COLUMNS and 321 in columns and columns == sorted(columns)
    shown = plots.similarities(["m"] * 60, labels)
    assert max(shown.size) < 4000


def test_a_matrix_needs_its_masks() -> None:
    with pytest.raises(InputError, match="2 masks but similarities for 3"):
        plots.similarities(["a", "b"], labelled(3, 2))
    with pytest.raises(InputError, match="0 masks"):
        plots.similarities([], labelled(0, 2))


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_can_stand_in_a_figure(text: str) -> None:
    assert plots.areas(result(text)).width > 500
    values = np.full((1, 1), 0.3, np.float32)
    assert plots.similarities([text], Labels((text,), values, values)).width > 300
    assert plots.heatmap(photo(), np.zeros((60, 80)), title=text).width > 300


def test_a_heat_map_shows_where_it_is_warm() -> None:
    values = np.zeros((60, 80), np.float32)
    values[:, 40:] = 0.5
    left, right = plots.heatmap(photo(), values), plots.heatmap(photo(), values[:, ::-1])
    assert left.size == right.size and min(left.size) > 300
    assert (np.asarray(left) != np.asarray(right)).any()
    # Viridis is dark and blue where it is low, bright and yellow where it is high.
    pixels = np.asarray(left).astype(int)
    yellow = (pixels[..., 0] > pixels[..., 2] + 60).nonzero()[1]
    blue = (pixels[..., 2] > pixels[..., 0] + 5).nonzero()[1]
    assert blue.mean() < yellow.mean()


def test_limits_make_heat_maps_comparable() -> None:
    values = np.linspace(0, 0.2, 60 * 80).reshape(60, 80)
    own, given = (plots.heatmap(photo(), values, limits=limits) for limits in (None, (0, 1)))
    assert own.tobytes() != given.tobytes()


@pytest.mark.parametrize(("height", "width"), [(60, 80), (16, 320), (320, 16), (3000, 2000)])
def test_a_heat_map_of_any_shape_and_of_one_value(height: int, width: int) -> None:
    shown = plots.heatmap(photo(height, width), np.full((height, width), 0.2, np.float32))
    assert isinstance(shown, Image.Image) and max(shown.size) < 3000


def test_a_heat_map_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="80 x 60 pixels, but the similarities are 60 x 80"):
        plots.heatmap(photo(), np.zeros((80, 60)))


def test_figures_are_the_same_from_any_thread() -> None:
    def draw(_: int) -> bytes:
        return plots.areas(result("wheel", "door")).tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(draw, range(8)))) == 1
