"""Files that others read: COCO, PNG, safe names, whole or not at all."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from partclipseg import exports
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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("beach", "beach"),
        ("beach.jpg", "beach"),
        ("my photo (1).JPEG", "my_photo_1"),
        ("v1.2", "v1.2"),
        ("car: front door", "car_front_door"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\Windows\\x.png", "C_Windows_x"),
        ("a\0b", "a_b"),
        ("कार का पहिया", "कार_का_पहिया"),
        ("صورة.png", "صورة"),
        ("CON", "photo_CON"),
        ("nul.txt", "photo_nul.txt"),
        ("com¹", "photo_com1"),
        ("-rf", "rf"),
        (".bashrc", "bashrc"),
        (".jpg", "photo"),
        ("", "photo"),
        ("🚗", "photo"),
        ("....", "photo"),
        ("a" * 500 + ".jpg", "a" * 80),
        ("a" * 79 + ".b", "a" * 79),
        ("℀", "a_c"),
    ],
)
def test_safe_stems(name: str, expected: str) -> None:
    assert exports.safe_stem(name) == expected


RISKY = st.sampled_from(
    [*'/\\:*?"<>|.- \0\n_aé轮🚗\u202e\u0301', "con", "NUL", "com1", ".jpg", "\ud800"]
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), st.lists(RISKY, max_size=120).map("".join)))
def test_a_stem_is_always_safe(name: str) -> None:
    stem = exports.safe_stem(name)
    assert 0 < len(stem) <= 80 and len(stem.encode()) <= 200
    assert not set(stem) & set('/\\:*?"<>| \0\n\u202e')
    assert stem[0] not in ".-" and stem[-1] not in ". "
    assert stem.split(".")[0].casefold() not in exports.RESERVED
    assert exports.safe_stem(stem) == stem or stem.lower().endswith(tuple(exports.SUFFIXES))


def test_a_stem_can_be_written(tmp_path: Path) -> None:
    for name in ("轮" * 200, "\ud800", "a/b", "con", "é" * 300):
        path = tmp_path / f"{exports.safe_stem(name)}_overlay.png"
        exports.write_atomically(path, b"x")
        assert path.read_bytes() == b"x" and path.parent == tmp_path


def test_writing_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    for data in (b"old", b"new"):
        exports.write_atomically(str(path), data)
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            exports.write_atomically(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_failures_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        exports.write_atomically(tmp_path / "folder", b"x")
    with pytest.raises(OSError):
        exports.write_atomically(tmp_path / "missing" / "x", b"x")
    with pytest.raises(TypeError):
        exports.write_atomically(tmp_path / "y", "text")  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]
