"""Reading annotated photos."""

import json

import numpy as np
import pytest

from partclipseg import InputError, datasets
from tests.scripted import mask_of_box, write_set


@pytest.fixture
def folder(tmp_path):
    parts = [[("car", "wheel", (5, 5, 15, 15), 1), ("car", "door", (20, 5, 40, 30), 1)]]
    return write_set(
        tmp_path / "cars", parts, [[(1, "car", (0, 0, 50, 35))]], extra=[("car", "hood")]
    )


def test_a_set_is_read_as_it_was_written(folder):
    dataset = datasets.read(folder, "val")
    assert (dataset.name, dataset.split, dataset.exhaustive) == ("cars", "val", True)
    assert dataset.parts_of("car") == ("wheel", "door", "hood")
    assert dataset.parts_of("dog") == ()
    (photo,) = dataset.images
    assert photo.path.is_file() and (photo.width, photo.height) == (60, 40)
    wheel = photo.annotations[0]
    assert (wheel.object, wheel.part, wheel.object_id) == ("car", "wheel", 1)
    np.testing.assert_array_equal(datasets.decode_rle(wheel.rle), mask_of_box((5, 5, 15, 15)))
    assert [o.name for o in photo.objects] == ["car"]


def test_a_missing_split_names_those_that_are_there(folder):
    with pytest.raises(InputError, match="the folder has val"):
        datasets.read(folder, "train")


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"images": [{}]})])
def test_what_is_not_coco_is_refused(tmp_path, content):
    (tmp_path / "val.json").write_text(content)
    with pytest.raises(InputError, match="not a COCO file"):
        datasets.read(tmp_path, "val")


def test_other_names_for_the_same_masks(folder):
    dataset = datasets.read(folder, "val")
    other = datasets.renamed(dataset, {"car": {"wheel": "tyre"}})
    assert other.parts_of("car") == ("tyre", "door", "hood")
    assert [a.part for a in other.images[0].annotations] == ["tyre", "door"]
    assert dataset.images[0].annotations[0].part == "wheel"
    with pytest.raises(InputError, match="no part car: wing"):
        datasets.renamed(dataset, {"car": {"wing": "fin"}})
    with pytest.raises(InputError, match="the same name"):
        datasets.renamed(dataset, {"car": {"wheel": "door"}})
