"""Public benchmarks on tiny copies of the layouts that their publishers hand out."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from partclipseg import benchmarks, cli, datasets
from partclipseg.benchmarks import ovparts
from partclipseg.benchmarks.files import compressed, decoded
from partclipseg.errors import InputError
from partclipseg.evaluation import novelty
from tests.scripted import HEIGHT, WIDTH, mask_of_box, rle, write_set

BODY, HEAD = (0, 0, 40, 30), (30, 5, 40, 15)
SIZE = {"width": WIDTH, "height": HEIGHT}


def photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), "#345678").save(path)


def label_image(path: Path, ignore: int, boxes: dict[int, tuple[int, int, int, int]]) -> None:
    """A label image whose later boxes lie over the earlier ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.full((HEIGHT, WIDTH), ignore, np.uint8 if ignore < 256 else np.uint16)
    for value, box in boxes.items():
        labels[mask_of_box(box)] = value
    Image.fromarray(labels).save(path)


def polygon(box: tuple[int, int, int, int]) -> list[list[float]]:
    x0, y0, x1, y1 = box
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


def write_json(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def names_of(dataset: datasets.PartDataset) -> list[tuple[str, str]]:
    return [(a.object, a.part) for p in dataset.images for a in p.annotations]


@pytest.fixture
def pascal(tmp_path: Path) -> Path:
    names = ovparts.table("pascal-part-116")
    body, beak = names.classes.index(("bird", "torso")), names.classes.index(("bird", "beak"))
    photo(tmp_path / "images" / "val" / "2008_1.jpg")
    label_image(tmp_path / ovparts.PARTS / "val" / "2008_1.png", 255, {body: BODY, beak: HEAD})
    objects = {names.objects.index("bird"): (0, 0, 50, 35), 3: (55, 0, 60, 5)}
    label_image(tmp_path / ovparts.OBJECTS / "val" / "2008_1.png", 255, objects)
    return tmp_path


def test_class_tables_are_the_published_ones() -> None:
    pascal, ade = ovparts.table("pascal-part-116"), ovparts.table("ade20k-part-234")
    assert (len(pascal.classes), len(pascal.objects), len(pascal.unseen)) == (116, 20, 5)
    assert (len(ade.classes), len(ade.objects), len(ade.unseen)) == (234, 44, 11)
    for names in (pascal, ade):
        assert {owner for owner, _ in names.classes} <= set(names.objects)
        assert set(names.unseen) <= set(names.objects)
        assert len(set(names.classes)) == len(names.classes)
    # Places that would shift if one name were lost on the way.
    assert pascal.classes[115] == ("tv monitor", "screen")
    assert pascal.classes[60] == ("dog", "tail")
    assert ade.classes[101] == ("stool", "seat")
    assert ade.classes[233] == ("light", "shade")


def test_pascal_part_116(pascal: Path) -> None:
    dataset = benchmarks.READERS["pascal-part-116"](pascal, "val")
    assert names_of(dataset) == [("bird", "beak"), ("bird", "torso")]
    (record,) = dataset.images
    assert [(o.name, o.id) for o in record.objects] == [("bird", 2), ("boat", 3)]
    assert {a.object_id for a in record.annotations} == {2}
    beak = record.annotations[0]
    np.testing.assert_array_equal(datasets.decode_rle(beak.rle), mask_of_box(HEAD))
    assert (beak.bbox, beak.area) == ((30.0, 5.0, 10.0, 10.0), 100.0)


def test_a_class_beyond_the_table_is_refused(pascal: Path) -> None:
    label_image(pascal / ovparts.PARTS / "val" / "2008_1.png", 255, {200: BODY})
    with pytest.raises(InputError, match=r"class 200.* 116"):
        benchmarks.READERS["pascal-part-116"](pascal, "val")


def test_ade20k_part_234_keeps_instances_apart(tmp_path: Path) -> None:
    names = ovparts.table("ade20k-part-234")
    leg, seat = names.classes.index(("stool", "leg")), names.classes.index(("stool", "seat"))
    door = names.classes.index(("car", "door"))
    photo(tmp_path / "images" / "validation" / "ADE_val_1.jpg")
    label_image(
        tmp_path / ovparts.PARTS / "validation" / "ADE_val_1.png",
        65535,
        {leg: (0, 0, 10, 20), seat: (30, 0, 40, 20), door: (50, 0, 60, 20)},
    )
    rows = [
        {"id": 7, "image_id": 1, "segmentation": polygon((0, 0, 15, 20))},
        {"id": 8, "image_id": 1, "segmentation": rle(mask_of_box((25, 0, 60, 20)))},
        {"id": 9, "image_id": 1, "segmentation": []},
    ]
    stool = names.objects.index("stool")
    write_json(
        tmp_path / "ade20k_instance_val.json",
        {
            "images": [{"id": 1, "file_name": "ADE_val_1.jpg", **SIZE}],
            "annotations": [{**row, "category_id": stool} for row in rows],
        },
    )
    dataset = benchmarks.READERS["ade20k-part-234"](tmp_path, "val")
    (record,) = dataset.images
    assert [(a.part, a.object_id) for a in record.annotations] == [("leg", 7), ("seat", 8)]
    assert [o.id for o in record.objects] == [7, 8]
    assert not dataset.exhaustive
    with pytest.raises(InputError, match="train or val"):
        benchmarks.READERS["ade20k-part-234"](tmp_path, "test")


@pytest.mark.parametrize("where", ["images/val", "val", "images/val/n01"])
def test_partimagenet(tmp_path: Path, where: str) -> None:
    photo(tmp_path / where / "n01_2.JPEG")
    annotations = [
        {"id": 1, "image_id": 5, "category_id": 0, "segmentation": polygon(BODY)},
        {"id": 2, "image_id": 5, "category_id": 25, "segmentation": polygon(HEAD)},
        {"id": 3, "image_id": 5, "category_id": 0, "segmentation": [[1.0, 2.0, 3.0, 4.0]]},
    ]
    write_json(
        tmp_path / "annotations" / "val" / "val.json",
        {
            "images": [{"id": 5, "file_name": "n01_2.JPEG", **SIZE}],
            "categories": [
                {"id": 0, "name": "Quadruped Head", "supercategory": "Quadruped"},
                {"id": 25, "name": "Car Tier", "supercategory": "Car"},
            ],
            "annotations": annotations,
        },
    )
    dataset = benchmarks.READERS["partimagenet"](tmp_path, "val")
    assert names_of(dataset) == [("quadruped", "head"), ("car", "tire")]
    assert dataset.images[0].path == tmp_path / where / "n01_2.JPEG"
    with pytest.raises(InputError, match="None of these files"):
        benchmarks.READERS["partimagenet"](tmp_path, "test")


def test_paco_lvis(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "train2017" / "1.jpg")
    write_json(
        tmp_path / "annotations" / "paco_lvis_v1_val.json",
        {
            "images": [{"id": 1, "file_name": "train2017/1.jpg", **SIZE}],
            "categories": [
                {"id": 1, "name": "car_(automobile)", "supercategory": "OBJECT"},
                {"id": 2, "name": "car_(automobile):turnsignal", "supercategory": "PART"},
                {"id": 3, "name": "trash_can:inner_side", "supercategory": "PART"},
            ],
            "annotations": [
                {"id": 10, "obj_ann_id": 10, "image_id": 1, "category_id": 1,
                 "segmentation": polygon(BODY)},
                {"id": 11, "obj_ann_id": 10, "image_id": 1, "category_id": 2,
                 "segmentation": polygon(HEAD)},
            ],
        },
    )  # fmt: skip
    dataset = benchmarks.READERS["paco-lvis"](tmp_path, "val")
    assert dataset.pairs == (("car", "turnsignal"), ("trash can", "inner side"))
    (record,) = dataset.images
    assert [(o.id, o.name) for o in record.objects] == [(10, "car")]
    assert [(a.part, a.object_id) for a in record.annotations] == [("turnsignal", 10)]
    assert record.path.is_file()


@pytest.mark.parametrize("name", ["coco", "lvis"])
def test_whole_objects_for_pre_training(tmp_path: Path, name: str) -> None:
    photo(tmp_path / "val2017" / "1.jpg")
    address = {"coco_url": "http://images.cocodataset.org/val2017/1.jpg"}
    image = {"id": 1, **SIZE, **({"file_name": "1.jpg"} if name == "coco" else address)}
    file = {"coco": "annotations/instances_val2017.json", "lvis": "lvis_v1_val.json"}[name]
    write_json(
        tmp_path / file,
        {
            "images": [image],
            "categories": [{"id": 3, "name": "dog"}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 3, "segmentation": polygon(BODY)},
                {"id": 2, "image_id": 1, "category_id": 3, "iscrowd": 1,
                 "segmentation": {"size": [HEIGHT, WIDTH], "counts": [5, HEIGHT * WIDTH - 5]}},
            ],
        },
    )  # fmt: skip
    dataset = benchmarks.READERS[name](tmp_path, "val")
    assert names_of(dataset) == [("dog", datasets.WHOLE)]
    assert dataset.images[0].path.is_file()


def test_masks_in_all_three_forms_are_the_same() -> None:
    mask = mask_of_box(HEAD)
    counts = [len(list(run)) for _, run in itertools.groupby(mask.T.ravel())]  # column by column
    whole = {"size": [HEIGHT, WIDTH], "counts": counts}
    for form in (polygon(HEAD), whole, rle(mask)):
        found = decoded(form, HEIGHT, WIDTH)
        assert found is not None
        np.testing.assert_array_equal(found, mask)
    assert compressed([[1, 2, 3, 4]], HEIGHT, WIDTH) is None
    assert compressed({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}, HEIGHT, WIDTH) is None


def test_written_sets_are_read_again(tmp_path: Path) -> None:
    parts = [[("car", "wheel", BODY, 1)], [("dog", "head", HEAD, None)]]
    source = write_set(tmp_path / "source", parts, [[(1, "car", (0, 0, 50, 35))], []])
    dataset = datasets.read(source, "val")
    written = datasets.write(dataset, tmp_path / "copy")
    again = datasets.read(written.parent, "val")
    assert (again.name, again.exhaustive, again.pairs) == (
        dataset.name, dataset.exhaustive, dataset.pairs,
    )  # fmt: skip
    for a, b in zip(again.images, dataset.images, strict=True):
        assert (a.id, a.width, a.height, a.objects) == (b.id, b.width, b.height, b.objects)
        assert [vars(m) for m in a.annotations] == [
            {**vars(m), "area": pytest.approx(m.area)} for m in b.annotations
        ]
        assert a.path.read_bytes() == b.path.read_bytes()


def test_photos_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    dataset = datasets.read(write_set(tmp_path / "a", [[("car", "wheel", BODY, None)]]), "val")
    other = datasets.read(write_set(tmp_path / "b", [[], []]), "val").images[1]
    other.path.rename(other.path.with_name("photo0.png"))
    other.path = other.path.with_name("photo0.png")
    both = datasets.PartDataset("both", "val", True, (*dataset.images, other), dataset.pairs)
    datasets.write(both, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out" / "images").iterdir()) == [
        "1_photo0.png", "photo0.png",
    ]  # fmt: skip
    with pytest.raises(InputError, match="cannot be filled"):
        other.path.unlink()
        datasets.write(both, tmp_path / "again")


def test_the_command_converts(pascal: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert cli.main(["convert", "pascal-part-116", str(pascal), str(out)]) == 0
    assert "1 photos, 2 masks, 116 classes" in capsys.readouterr().out
    assert datasets.read(out, "val").images[0].path.is_file()
    assert novelty.read(out / "novel.json").group("bird: beak") == "novel_objects"
    assert cli.main(["convert", "coco", str(pascal), str(out)]) == 2
    assert "instances_val2017.json" in capsys.readouterr().err


def test_every_format_is_offered() -> None:
    from partclipseg.cli import convert

    assert tuple(benchmarks.READERS) == convert.FORMATS
    assert benchmarks.unseen("coco") is None
