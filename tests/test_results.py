"""Results: masks as COCO's RLE, JSON and label maps."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from partclipseg.errors import InputError
from partclipseg.results import Labels, PartMask, Segmentation

# pycocotools' compiled arrays predate NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
masks = arrays.arrays(bool, shapes, elements=st.booleans(), fill=st.booleans())


def rectangle(x0: int, y0: int, x1: int, y1: int, shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def two_parts() -> Segmentation:
    wheel = PartMask.from_mask(
        rectangle(2, 3, 10, 12), label="car: wheel", object="car", part="wheel", similarity=0.31,
        probability=0.9, predicted_iou=0.8, granularity="part",
    )  # fmt: skip
    hub = PartMask.from_mask(rectangle(4, 5, 6, 7), label="<b>hub</b> 轮毂")
    return Segmentation("photo", 40, 30, "lite", (wheel, hub), ("No dog was found.",), {"all": 3.0})


@settings(deadline=None)
@given(masks)
def test_masks_come_back_and_their_box_and_area_are_right(mask: np.ndarray) -> None:
    part = PartMask.from_mask(mask, label="x")
    assert part.mask.dtype == bool and (part.mask == mask).all()
    assert part.area == mask.sum()
    ys, xs = np.nonzero(mask)
    box = (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1) if len(xs) else (0, 0, 0, 0)
    assert part.bbox == box
    decoded = coco_mask.decode({**part.rle, "counts": part.rle["counts"].encode()})
    assert (decoded == mask).all()


@settings(deadline=None)
@given(masks)
def test_every_mask_survives_json(mask: np.ndarray) -> None:
    part = PartMask.from_mask(mask, label="x", similarity=0.25)
    again = PartMask.from_json(json.loads(json.dumps(part.to_json())))
    assert again == part and (again.mask == mask).all()


def test_long_runs_survive_json() -> None:
    part = PartMask.from_mask(rectangle(500, 0, 2000, 1999, (2000, 2500)), label="x")
    assert PartMask.from_json(part.to_json()) == part


def test_a_mask_cannot_be_changed_behind_the_result() -> None:
    with pytest.raises(ValueError, match="read-only"):
        two_parts().parts[0].mask[0, 0] = True


@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 1)])
def test_a_mask_has_two_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"a mask is \(height, width\)"):
        PartMask.from_mask(np.ones(shape, bool), label="x")


def test_equal_results_hash_alike() -> None:
    assert len({two_parts(), two_parts()}) == 1 and len(set(two_parts().parts)) == 2


def test_memory_order_and_type_of_the_mask_do_not_matter() -> None:
    mask = rectangle(2, 3, 10, 12)
    expected = PartMask.from_mask(mask, label="x")
    for same in (np.asfortranarray(mask), mask.astype(np.uint8) * 255, mask * 0.25):
        assert PartMask.from_mask(same, label="x") == expected
    turned = PartMask.from_mask(np.pad(mask, 5)[5:-5, 5:-5][::-1], label="x")
    assert (turned.mask == mask[::-1]).all()


def test_results_survive_json_but_for_timings() -> None:
    result = two_parts()
    data = json.loads(json.dumps(result.to_json()))
    assert list(data) == ["image", "width", "height", "model", "parts", "messages"]
    assert set(data["parts"][0]) == {
        "label", "object", "part", "similarity", "probability", "predicted_iou", "bbox", "area",
        "colour", "granularity", "segmentation",
    }  # fmt: skip
    again = Segmentation.from_json(data)
    assert again == result and again.timings == {}
    assert again.parts[1].label == "<b>hub</b> 轮毂"


def changed(path: list[Any], value: Any) -> Any:
    data: Any = json.loads(json.dumps(two_parts().to_json()))
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


RLE = ["parts", 0, "segmentation"]


@pytest.mark.parametrize(
    "data",
    [
        None, [], "text", {}, {"parts": []},
        changed(["parts"], 3), changed(["parts"], [None]), changed(["parts"], ["x"]),
        changed(["width"], "wide"), changed(["width"], 41), changed(["messages"], None),
        changed(["parts", 0, "label"], KeyError), changed(["parts", 0, "bbox"], [1, 2, 3]),
        changed(["parts", 0, "colour"], "red"), changed(["parts", 0, "colour"], None),
        changed(RLE, KeyError), changed(RLE, [[1, 2, 3, 4]]),
        changed([*RLE, "size"], [40, 30]), changed([*RLE, "size"], [-30, -40]),
        changed([*RLE, "size"], [30]), changed([*RLE, "counts"], ""),
        changed([*RLE, "counts"], "i0"), changed([*RLE, "counts"], "zzzz"),
        changed([*RLE, "counts"], "é"), changed([*RLE, "counts"], [1, 2]),
        changed([*RLE, "counts"], "!!!"), changed([*RLE, "counts"], "o" * 50 + "0"),
    ],
)  # fmt: skip
def test_json_of_another_form_is_refused(data: Any) -> None:
    with pytest.raises(InputError, match="This is not a"):
        Segmentation.from_json(data)


def test_the_smaller_part_is_on_top_in_any_order() -> None:
    result = two_parts()
    wheel, hub = result.parts
    expected = np.zeros((30, 40), np.int16)
    expected[wheel.mask] = 1
    expected[hub.mask] = 2
    found = result.label_map()
    assert found.dtype == np.int16 and (found == expected).all()
    swapped = Segmentation("photo", 40, 30, "lite", (hub, wheel)).label_map()
    assert (swapped == np.array([0, 2, 1])[expected]).all()


def test_of_equal_parts_the_first_is_on_top() -> None:
    part = PartMask.from_mask(rectangle(0, 0, 5, 5), label="x")
    found = Segmentation("photo", 40, 30, "lite", (part, part)).label_map()
    assert set(np.unique(found)) == {0, 1}


def test_no_parts_leave_an_empty_label_map() -> None:
    found = Segmentation("photo", 40, 30, "lite").label_map()
    assert found.shape == (30, 40) and not found.any()


def test_the_best_names_of_a_mask() -> None:
    similarities = np.array([[0.1, 0.3, 0.2], [0.5, 0.4, 0.5]], np.float32)
    labels = Labels(("a", "b", "c"), similarities, similarities * 2)
    assert [name for name, _, _ in labels.top(0, 2)] == ["b", "c"]
    assert [name for name, _, _ in labels.top(1)] == ["a", "c", "b"]  # equals in their order
    assert labels.top(0, 1)[0] == pytest.approx(("b", 0.3, 0.6))
