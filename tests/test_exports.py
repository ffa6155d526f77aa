"""Files that others read, read by others: COCO, PNG, SVG, NPZ, ZIP, CSV."""

import csv
import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from partclipseg import exports
from partclipseg.errors import InputError
from partclipseg.rendering import rgb
from partclipseg.results import PartMask, Segmentation

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools


def part(seed: int, **names: str | None) -> PartMask:
    mask = np.random.default_rng(seed).random((30, 40)) < 0.2
    return PartMask.from_mask(mask, similarity=0.3, predicted_iou=0.7, **names)  # type: ignore[arg-type]


def result() -> Segmentation:
    return Segmentation(
        "photo", 40, 30, "lite",
        (
            part(0, label="car: wheel", object="car", part="wheel"),
            part(1, label="car: wheel", object="car", part="wheel"),
            part(2, label="bike: wheel", object="bike", part="wheel"),
            part(3, label="car", object="car"),
            part(4, label="轮子"),
        ),
    )  # fmt: skip


def test_coco_is_read_by_pycocotools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(exports.coco(result())), encoding="utf-8")
    coco = COCO(file)
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (image["width"], image["height"], image["file_name"]) == (40, 30, "photo")
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
    assert len(annotations) == 5
    for annotation, expected in zip(annotations, result().parts, strict=True):
        assert (coco.annToMask(annotation) == expected.mask).all()
        assert annotation["area"] == expected.area
        assert annotation["bbox"] == list(expected.bbox)
        assert annotation["score"] == 0.7
    categories = [coco.loadCats(a["category_id"])[0] for a in annotations]
    assert [(c["supercategory"], c["name"]) for c in categories] == [
        ("car", "wheel"), ("car", "wheel"), ("bike", "wheel"), ("car", "car"), ("", "轮子"),
    ]  # fmt: skip
    assert len(coco.getCatIds()) == 4


def test_coco_scores_read_back_as_detections(capsys: pytest.CaptureFixture[str]) -> None:
    data = exports.coco(result())
    coco = COCO()
    coco.dataset = data
    coco.createIndex()
    found = coco.loadRes(json.loads(json.dumps(data["annotations"])))
    assert len(found.getAnnIds()) == 5


def test_coco_of_nothing_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(exports.coco(Segmentation("photo", 40, 30, "lite"))))
    coco = COCO(file)
    assert len(coco.getImgIds()) == 1 and coco.getAnnIds() == [] and coco.getCatIds() == []


def test_pngs() -> None:
    first = result().parts[0]
    mask = Image.open(io.BytesIO(exports.mask_png(first)))
    assert mask.format == "PNG" and mask.mode == "L"
    assert (np.asarray(mask) == first.mask * 255).all()
    photo = np.zeros((30, 40, 3), np.uint8)
    faint, strong = (
        Image.open(io.BytesIO(exports.overlay_png(photo, result(), opacity=opacity)))
        for opacity in (0.2, 1)
    )
    assert faint.format == "PNG" and faint.mode == "RGB" and faint.width > 40
    assert np.asarray(faint)[:30, :40].sum() < np.asarray(strong)[:30, :40].sum()


HOSTILE = [
    "../../etc/passwd", "..", "a/b\\c", "<script>alert(1)</script>", "& \" ' ]]> ${7*6}",
    "a\0b\x01", "\ud800", "CON", "x" * 300, "轮" * 300, "=cmd()", "",
]  # fmt: skip


def blob(seed: int, size: tuple[int, int] = (120, 160), hole: bool = False) -> np.ndarray:
    """A round region with a wavy border, as masks of the model are."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    y, x = size[0] * random.uniform(0.4, 0.6), size[1] * random.uniform(0.4, 0.6)
    angle = np.arctan2(rows - y, columns - x)
    radius = np.hypot(rows - y, columns - x)
    border = min(size) * (0.3 + 0.06 * np.sin(3 * angle + random.uniform(0, 6)))
    mask = radius < border
    return mask & (radius > 0.4 * border) if hole else mask


def blobs(*labels: str) -> Segmentation:
    parts = [
        PartMask.from_mask(blob(i, hole=i % 2 == 1), label=label, similarity=0.1 * i)
        for i, label in enumerate(labels)
    ]
    return Segmentation("my/photo.jpg", 160, 120, "lite", tuple(parts))


def noise(found: Segmentation) -> np.ndarray:
    shape = (found.height, found.width, 3)
    return np.random.default_rng(9).integers(1, 256, shape, np.uint8)


def filled(rings: list[np.ndarray], shape: tuple[int, int], finer: int = 8) -> np.ndarray:
    """Even-odd fill by an independent painter, at ``finer`` times the resolution."""
    inside = np.zeros((shape[0] * finer, shape[1] * finer), bool)
    for ring in rings:
        image = Image.new("1", inside.shape[::-1])
        ImageDraw.Draw(image).polygon([(x * finer, y * finer) for x, y in ring], fill=1)
        inside ^= np.asarray(image)
    return inside[finer // 2 :: finer, finer // 2 :: finer]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def rings_of(path: str) -> list[np.ndarray]:
    assert path.endswith("Z")
    return [
        np.array([[float(v) for v in point.split(",")] for point in ring.strip().split()])
        for ring in path[1:-1].split("Z M")
    ]


# Archives


def test_cutouts_are_the_parts_pixels_and_nothing_else() -> None:
    found = blobs("car: wheel", "car: wheel", "Car: Wheel")
    photo = noise(found)
    archive = zipfile.ZipFile(io.BytesIO(exports.cutouts_zip(photo, found)))
    assert archive.testzip() is None
    *pictures, index = archive.namelist()
    assert pictures[0] == "my_photo_01_car_wheel.png" and index == "my_photo_cutouts.json"
    rows = json.loads(archive.read(index))["cutouts"]
    for name, row, expected in zip(pictures, rows, found.parts, strict=True):
        picture = Image.open(io.BytesIO(archive.read(name)))
        assert (picture.format, picture.mode) == ("PNG", "RGBA")
        x, y, width, height = row["bbox"]
        assert row["file"] == name and picture.size == (width, height)
        pixels = np.asarray(picture)
        mask = expected.mask[y : y + height, x : x + width]
        assert (pixels[..., 3] == mask * 255).all()
        assert (pixels[mask][:, :3] == photo[y : y + height, x : x + width][mask]).all()
        assert not pixels[~mask].any(), "what was cut away cannot be brought back"


@pytest.mark.parametrize("label", HOSTILE)
def test_entries_have_names_that_can_be_unpacked_anywhere(label: str, tmp_path: Path) -> None:
    found = blobs(label, label)
    named = Segmentation(label, 160, 120, "lite", found.parts)
    for content in (exports.cutouts_zip(noise(found), named), exports.labels_zip(named)):
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = archive.namelist()
        assert len({name.casefold() for name in names}) == len(names)
        for name in names:
            assert not set(name) & set('/\\:*?"<>|\0') and name[0] not in ".-"
            assert len(name.encode()) <= 255
        archive.extractall(tmp_path)
        assert {p.name for p in tmp_path.iterdir()} >= set(names)


def test_an_archive_takes_no_path_and_no_name_twice() -> None:
    for names in (["a", "A"], ["../a"], ["a/b"], ["a\\b"], [".."], [""], ["c:x"]):
        with pytest.raises(InputError, match="cannot be the name"):
            exports.zipped([(name, b"") for name in names])


def test_the_label_map_is_read_with_its_colours_and_legend() -> None:
    found = blobs("a", "b", "c")
    archive = zipfile.ZipFile(io.BytesIO(exports.labels_zip(found)))
    picture = Image.open(io.BytesIO(archive.read("my_photo_labels.png")))
    assert (picture.format, picture.mode) == ("PNG", "P")
    values = np.asarray(picture)
    assert (values == found.label_map()).all()
    legend = json.loads(archive.read("my_photo_labels.json"))["values"]
    assert [row["label"] for row in legend] == [None, "a", "b", "c"]
    shown = np.asarray(picture.convert("RGB"))
    for row in legend:
        inside = values == row["value"]
        assert inside.any() and (shown[inside] == rgb(row["colour"])).all()


def test_a_label_map_of_more_parts_than_a_palette_has_room_for() -> None:
    mask = np.zeros((20, 300), bool)
    parts = []
    for column in range(300):
        mask[:] = False
        mask[:, column] = True
        parts.append(PartMask.from_mask(mask, label=str(column)))
    found = Segmentation("p", 300, 20, "lite", tuple(parts))
    picture = Image.open(io.BytesIO(exports.label_map_png(found)))
    assert picture.mode.startswith("I")
    assert (np.asarray(picture)[0] == np.arange(1, 301)).all()


def test_arrays_are_read_without_pickle() -> None:
    found = result()
    with np.load(io.BytesIO(exports.npz(found)), allow_pickle=False) as data:
        assert data["masks"].shape == (5, 30, 40) and data["masks"].dtype == bool
        for mask, expected in zip(data["masks"], found.parts, strict=True):
            assert (mask == expected.mask).all()
        assert (data["label_map"] == found.label_map()).all()
        assert data["names"].tolist() == [p.label for p in found.parts]
        assert data["objects"].tolist() == ["car", "car", "bike", "car", ""]
        assert data["similarities"].dtype == np.float32
        np.testing.assert_allclose(data["similarities"], 0.3, rtol=1e-6)
        assert np.isnan(data["probabilities"]).all()
        assert data["boxes"].tolist() == [list(p.bbox) for p in found.parts]
        assert (str(data["image"]), str(data["model"])) == ("photo", "lite")
    with np.load(
        io.BytesIO(exports.npz(Segmentation("p", 40, 30, "lite"))), allow_pickle=False
    ) as (empty):
        assert empty["masks"].shape == (0, 30, 40) and empty["boxes"].shape == (0, 4)


# Outlines


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_outlines_filled_again_are_the_mask(seed: int, hole: bool) -> None:
    mask = blob(seed, hole=hole)
    rings = exports.polygons(mask)
    assert len(rings) == 1 + hole
    assert sum(map(len, rings)) < 200, "points that change nothing are left out"
    assert overlap(filled(rings, mask.shape), mask) > 0.98
    exact = exports.polygons(mask, tolerance=0)
    assert (filled(exact, mask.shape) == mask).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.floats(0.05, 0.95))
def test_outlines_of_any_mask_hold_its_pixels(seed: int, share: float) -> None:
    """Even of noise: single pixels, walls of one pixel, pixels that touch at a corner."""
    mask = np.random.default_rng(seed).random((9, 11)) < share
    rings = exports.polygons(mask, tolerance=0)
    assert (filled(rings, mask.shape) == mask).all()
    for ring in rings:
        assert len(ring) >= 3 and ring.min() >= 0
        assert ring[:, 0].max() <= 11 and ring[:, 1].max() <= 9
    assert len(exports.polygons(mask)) == len(rings), "no outline is lost"


def test_outlines_of_nothing_of_all_and_at_the_border() -> None:
    assert exports.polygons(np.zeros((20, 30), bool)) == []
    (ring,) = exports.polygons(np.ones((20, 30), bool))
    assert (filled([ring], (20, 30))).all()


def test_svg_is_xml_with_a_path_a_part_and_its_holes() -> None:
    found = blobs("car: wheel", "ring")
    root = ElementTree.fromstring(exports.svg(found, opacity=0.25))
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg" and root.get("viewBox") == "0 0 160 120"
    paths = root.findall(f"{space}path")
    assert len(paths) == 2
    for path in paths:
        part = found.parts[int(path.get("data-number", 0)) - 1]
        assert path.findtext(f"{space}title") == path.get("data-label") == part.label
        assert path.get("fill") == part.colour and path.get("fill-opacity") == "0.25"
        assert path.get("fill-rule") == "evenodd"
        again = filled(rings_of(path.get("d", "")), (120, 160))
        assert overlap(again, part.mask) > 0.98
    assert [p.get("data-number") for p in paths] == ["1", "2"], "the larger one lies below"


@pytest.mark.parametrize("label", HOSTILE)
def test_svg_of_any_label_is_well_formed(label: str) -> None:
    content = exports.svg(Segmentation(label, 160, 120, "lite", blobs(label).parts))
    assert b"<script" not in content
    root = ElementTree.fromstring(content)
    assert len(list(root)) == 2
    title = root[1][0].text or ""
    assert len(title) == len(label)
    if label.isprintable() and "\ud800" not in label:
        assert title == label


# Tables and the door to all


def test_the_table_is_read_by_the_csv_module() -> None:
    parts = blobs("=cmd()", 'a "quoted", name', "轮").parts
    table = exports.summary_csv(
        [Segmentation("@photo", 160, 120, "lite", parts), Segmentation("none", 40, 30, "lite")]
    )
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert [row["photo"] for row in rows] == ["'@photo"] * 3 + ["none"]
    assert [row["label"] for row in rows] == ["'=cmd()", 'a "quoted", name', "轮", ""]
    assert rows[1]["similarity"] == "0.1000" and rows[0]["predicted_iou"] == ""
    assert int(rows[0]["area"]) == parts[0].area
    assert float(rows[0]["area_percent"]) == pytest.approx(100 * parts[0].area / 19200, abs=1e-3)
    assert (rows[3]["number"], rows[3]["width"], rows[3]["model"]) == ("", "40", "lite")


@pytest.mark.parametrize("what", exports.FORMATS)
def test_every_format_has_a_safe_name_and_the_same_bytes_each_time(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = blobs("car: wheel", "door")
    file = exports.export(what, noise(found), found)
    assert file.name.startswith(f"my_photo_{what}.") and not file.name.endswith("webp")
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert exports.export(what, noise(found), blobs("car: wheel", "door")) == file
    nothing = Segmentation("photo", 160, 120, "lite")
    assert exports.export(what, noise(found), nothing).content


@pytest.mark.parametrize("what", exports.FORMATS)
def test_half_characters_break_no_format(what: str) -> None:
    found = Segmentation("\ud800", 160, 120, "lite", blobs("\ud800 x").parts)
    assert exports.export(what, noise(found), found).content


def test_an_export_keeps_no_decoded_masks() -> None:
    found = blobs("a", "b")
    for what in ("cutouts", "labels", "svg", "npz", "coco", "csv"):
        exports.export(what, noise(found), found)
    assert not any("mask" in vars(part) for part in found.parts)


def test_an_unknown_format_or_another_photo_is_refused() -> None:
    found = blobs("a")
    with pytest.raises(InputError, match="no format 'webp'; choose one of overlay, "):
        exports.export("webp", noise(found), found)
    with pytest.raises(InputError, match="3 x 2 pixels, but the result is for 160 x 120"):
        exports.export("npz", np.zeros((2, 3, 3), np.uint8), found)
