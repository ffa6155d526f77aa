"""Packed data are the same photos and masks, smaller."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from partclipseg import InputError, datasets
from partclipseg.cli import main
from partclipseg.training.pack import pack, unpack
from tests.scripted import write_set


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "cars"
    write_set(folder, [[("car", "wheel", (5, 20, 15, 30), 1), ("car", "door", (20, 5, 40, 30), 1)],
                       [("car", "door", (1, 1, 3, 2), 2)]],
              [[(1, "car", (2, 2, 45, 35))], [(2, "car", (0, 0, 9, 9))]])  # fmt: skip
    (folder / "val.json").rename(folder / "train.json")
    return tmp_path / "data"


def test_nothing_is_lost_at_full_size(data, tmp_path):
    pack(["cars"], data, tmp_path / "packed.zip")
    before = datasets.read(data / "cars", "train")
    after = datasets.read(unpack(tmp_path / "packed.zip", tmp_path / "again") / "cars", "train")
    assert after.pairs == before.pairs and len(after.images) == len(before.images)
    for a, b in zip(before.images, after.images, strict=True):
        for x, y in zip([*a.annotations, *a.objects], [*b.annotations, *b.objects], strict=True):
            np.testing.assert_array_equal(datasets.decode_rle(x.rle), datasets.decode_rle(y.rle))
    wheel = after.images[0].annotations[0]
    assert tuple(wheel.bbox) == (5.0, 20.0, 10.0, 10.0) and wheel.area == 100


def test_photo_and_masks_shrink_alike(data, tmp_path):
    size = datasets.read(data / "cars", "train").images[0].width // 2
    pack(["cars"], data, tmp_path / "packed.zip", size=size)
    after = datasets.read(unpack(tmp_path / "packed.zip", tmp_path / "again") / "cars", "train")
    photo = after.images[0]
    with Image.open(photo.path) as picture:
        assert picture.size == (photo.width, photo.height) and max(picture.size) == size
    door = next(a for a in photo.annotations if a.part == "door")
    mask = datasets.decode_rle(door.rle)
    assert mask.shape == (photo.height, photo.width) and mask.sum() == door.area
    ys, xs = np.nonzero(mask)
    assert abs(xs.min() - 10) <= 1 and abs(xs.max() - 19) <= 1 and abs(ys.max() - 14) <= 1


def test_the_same_data_give_the_same_bytes(data, tmp_path):
    for name in ("a.zip", "b.zip"):
        pack(["cars"], data, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_too_small_a_limit_leaves_no_file(data, tmp_path):
    with pytest.raises(InputError, match="even at JPEG quality 50; allow more"):
        pack(["cars"], data, tmp_path / "packed.zip", limit_mb=0.0001)
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "packed.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"packed\.zip is damaged"):
        unpack(tmp_path / "packed.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_the_command(data, tmp_path, capsys):
    recipe = tmp_path / "tiny.json"
    recipe.write_text(json.dumps({"sets": {"cars": 1.0}}))
    out = tmp_path / "packed.zip"
    code = main(["train", "pack", "--config", str(recipe), "--data", str(data), "--out", str(out)])
    assert code == 0 and out.is_file()
    assert "packed.zip (0.0 MB)" in capsys.readouterr().out
