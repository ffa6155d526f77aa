"""The four protocols on tiny sets, with a predictor whose mistakes are known by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partclipseg import datasets
from partclipseg.errors import InputError
from partclipseg.evaluation import PROTOCOLS, evaluate, novelty
from partclipseg.evaluation.metrics import Mask, label_map
from partclipseg.evaluation.protocols import spread_targets
from partclipseg.evaluation.targets import object_names, objects_of, text_for
from partclipseg.results import PartMask, Segmentation
from tests.scripted import HEIGHT, WIDTH, Encoded, ScriptedPredictor, mask_of_box, write_set

HOOD, DOOR = (10, 10, 20, 20), (20, 10, 30, 20)
TWO_PARTS = [[("car", "hood", HOOD, None), ("car", "door", DOOR, None)]]
PIXELS = WIDTH * HEIGHT


def shifted(mask: Mask) -> Mask:
    """One pixel to the right."""
    return np.pad(mask, ((0, 0), (1, 0)))[:, :-1]


def read(folder: Path) -> datasets.PartDataset:
    return datasets.read(folder, "val")


@pytest.fixture
def two_parts(tmp_path: Path) -> datasets.PartDataset:
    return read(write_set(tmp_path / "cars", TWO_PARTS, extra=[("car", "wheel")]))


@pytest.fixture
def rich(tmp_path: Path) -> datasets.PartDataset:
    """Two cars in a photo, one with a nested part, and a dog in the next."""
    parts = [
        [
            ("car", "door", (0, 0, 20, 20), 1),
            ("car", "handle", (4, 4, 8, 8), 1),
            ("car", "door", (30, 0, 50, 20), 2),
        ],
        [("dog", "head", (5, 5, 15, 15), 3)],
    ]
    objects = [
        [(1, "car", (0, 0, 25, 25)), (2, "car", (30, 0, 55, 25))],
        [(3, "dog", (0, 0, 60, 40))],
    ]
    return read(write_set(tmp_path / "rich", parts, objects))


@pytest.mark.parametrize("protocol", ["oracle", "text"])
def test_a_perfect_model_scores_one(rich: datasets.PartDataset, protocol: str) -> None:
    report = evaluate(ScriptedPredictor(rich), rich, protocol).to_json()
    assert report["miou"] == report["mean_iou"] == 1.0
    assert {row["iou"] for row in report["per_class"].values()} == {1.0}
    assert report["targets"] == sum(row["count"] for row in report["per_class"].values())


def test_report_names_what_was_measured(rich: datasets.PartDataset) -> None:
    report = evaluate(ScriptedPredictor(rich), rich, "oracle").to_json()
    assert report.pop("seconds") >= 0
    assert report == {
        "protocol": "oracle",
        "data": "rich",
        "split": "val",
        "model": "scripted",
        "images": 2,
        "targets": 4,
        "miou": 1.0,
        "mean_iou": 1.0,
        "mean_boundary_iou": 1.0,
        "per_class": {
            "car: door": {"iou": 1.0, "count": 2},
            "car: handle": {"iou": 1.0, "count": 1},
            "dog: head": {"iou": 1.0, "count": 1},
        },
    }


def test_oracle_one_pixel_off(two_parts: datasets.PartDataset) -> None:
    report = evaluate(ScriptedPredictor(two_parts, shifted), two_parts, "oracle").to_json()
    # The region ends with the door, so nothing can be painted right of it.
    assert report["per_class"]["car: hood"]["iou"] == pytest.approx(90 / 110, abs=1e-6)
    assert report["per_class"]["car: door"]["iou"] == pytest.approx(90 / 100, abs=1e-6)
    assert report["miou"] == pytest.approx((90 / 110 + 0.9) / 2, abs=1e-6)
    assert report["mean_iou"] == pytest.approx(report["miou"], abs=1e-6)


def test_text_one_pixel_off(two_parts: datasets.PartDataset) -> None:
    report = evaluate(ScriptedPredictor(two_parts, shifted), two_parts, "text").to_json()
    assert report["miou"] == pytest.approx(90 / 110, abs=1e-6)  # background counts on both sides


def test_one_confusion_for_the_whole_split(tmp_path: Path) -> None:
    parts = [[("cat", "head", (0, 0, 20, 20), None)], [("cat", "head", (0, 0, 10, 10), None)]]
    dataset = read(write_set(tmp_path / "cats", parts))

    def only_the_large(mask: Mask) -> Mask:
        return mask if mask.sum() > 100 else np.zeros_like(mask)

    report = evaluate(ScriptedPredictor(dataset, only_the_large), dataset, "text").to_json()
    assert report["miou"] == pytest.approx(400 / 500)
    assert report["mean_iou"] == pytest.approx((1 + 0) / 2)


def test_small_parts_are_left_out_of_mean_iou_only(tmp_path: Path) -> None:
    tiny = (40, 10, 42, 12)  # 4 of 2400 pixels
    parts = [[("car", "hood", HOOD, None), ("car", "badge", tiny, None)]]
    dataset = read(write_set(tmp_path / "cars", parts))

    def without_the_tiny(mask: Mask) -> Mask:
        return mask if mask.sum() > 4 else np.zeros_like(mask)

    report = evaluate(ScriptedPredictor(dataset, without_the_tiny), dataset, "oracle").to_json()
    assert (report["miou"], report["mean_iou"], report["targets"]) == (0.5, 1.0, 2)


def grown_below(mask: Mask) -> Mask:
    """Ten more rows."""
    return mask | np.pad(mask, ((10, 0), (0, 0)))[:-10]


@pytest.mark.parametrize(
    ("protocol", "exhaustive", "expected"),
    [
        ("oracle", True, 1.0),  # only labelled pixels are looked at
        ("oracle", False, 1.0),
        ("text", True, 0.5),
        ("text", False, 100 / 150),  # the object ends after five of the ten rows too many
    ],
)
def test_what_is_painted_beside_the_parts(
    tmp_path: Path, protocol: str, exhaustive: bool, expected: float
) -> None:
    parts = [[("car", "hood", HOOD, 1)]]
    objects = [[(1, "car", (5, 5, 40, 25))]]
    dataset = read(write_set(tmp_path / "cars", parts, objects, exhaustive=exhaustive))
    report = evaluate(ScriptedPredictor(dataset, grown_below), dataset, protocol).to_json()
    assert report["miou"] == pytest.approx(expected, abs=1e-6)


def test_text_asks_once_for_all_names_of_the_photos_objects(tmp_path: Path) -> None:
    parts = [[("car", "front, door", HOOD, None), ("dog", "head", DOOR, None)]]
    folder = write_set(tmp_path / "mixed", parts, extra=[("car", "wheel"), ("cat", "tail")])
    dataset = read(folder)
    predictor = ScriptedPredictor(dataset)
    assert evaluate(predictor, dataset, "text").to_json()["miou"] == 1.0
    assert predictor.texts == ['car: "front, door", wheel; dog: head']


def test_pred_all_asks_for_every_object_of_the_set(tmp_path: Path) -> None:
    parts = [[("dog", "head", DOOR, None)], [("cat", "tail", HOOD, None)]]
    dataset = read(write_set(tmp_path / "pets", parts, extra=[("car", "wheel")]))
    predictor = ScriptedPredictor(dataset)
    report = evaluate(predictor, dataset, "text", ask_all=True).to_json()
    assert report["miou"] == 1.0 and report["asked"] == "all"
    assert predictor.texts == [
        "dog: head; cat: tail; car: wheel", "cat: tail; dog: head; car: wheel",
    ]  # fmt: skip


def test_the_surer_of_two_masks_wins_where_sureness_is_known() -> None:
    large, small = np.ones((2, 4), bool), np.zeros((2, 4), bool)
    small[:, :2] = True
    assert label_map((2, 4), [large, small], [0, 1]).tolist() == [[1, 1, 0, 0]] * 2
    assert label_map((2, 4), [large, small], [0, 1], [0.9, 0.4]).tolist() == [[0] * 4] * 2


def test_texts_keep_to_the_limit_on_names() -> None:
    many = [f"part {i}" for i in range(60)]
    texts = text_for({"car": many, "dog": many, "cat": ["tail"]})
    assert [text.count("part ") for text in texts] == [60, 60]
    assert texts[1].endswith("; cat: tail")
    assert text_for({"whale": [f"part {i}" for i in range(130)]})[1].count("part ") == 30
    assert text_for({"dog": ["whole", "head"]}) == ["dog:; dog: head"]
    assert text_for({}) == []


def test_parts_without_an_object_entry_make_up_their_object(
    two_parts: datasets.PartDataset,
) -> None:
    (target,) = objects_of(two_parts.images[0])
    assert target.name == "car" and target.parts == ("hood", "door")
    assert (target.region == mask_of_box((10, 10, 30, 20))).all()


def test_masks_go_to_the_object_they_name(rich: datasets.PartDataset) -> None:
    first, second = objects_of(rich.images[0])
    assert (first.parts, second.parts) == (("door", "handle"), ("door",))
    assert (second.region == mask_of_box((30, 0, 55, 25))).all()
    assert object_names(rich.images[0]) == ["car"]


class Eager(ScriptedPredictor):
    """Ranks the part first from the second click on."""

    def predict(self, points: Any = None, *args: Any, **kwargs: Any) -> Segmentation:
        result = super().predict(points, *args, **kwargs)
        parts = result.parts if len(points) == 1 else result.parts[::-1]
        return Segmentation(**{**vars(result), "parts": parts})


def test_click_by_hand(two_parts: datasets.PartDataset) -> None:
    predictor = Eager(two_parts)
    report = evaluate(predictor, two_parts, "click").to_json()
    assert report["iou_best"] == report["mean_iou"] == 1.0
    assert report["iou_first"] == pytest.approx(100 / PIXELS, abs=1e-6)
    assert report["boundary_iou_best"] == 1.0
    # A band of a pixel: of the photo 196 pixels, of the part 36, and not one in common.
    assert report["boundary_iou_first"] == 0.0
    assert (report["targets"], report["noc_targets"]) == (2, 2)
    # The second click is a negative one on the too large first mask; then the part is right.
    assert (report["noc80"], report["noc85"]) == (2.0, 2.0)
    assert predictor.clicks == [(1, False), (2, True)] * 2
    assert report["per_class"]["car: door"] == {
        "iou": 1.0,
        "iou_first": round(100 / PIXELS, 6),
        "count": 1,
    }


def test_click_counts_are_optional(two_parts: datasets.PartDataset) -> None:
    predictor = ScriptedPredictor(two_parts)
    report = evaluate(predictor, two_parts, "click", noc_targets=0).to_json()
    assert (report["noc80"], report["noc85"], report["noc_targets"]) == (None, None, 0)
    assert len(predictor.clicks) == 2
    report = evaluate(predictor, two_parts, "click", noc_targets=1).to_json()
    assert report["noc_targets"] == 1
    assert report["noc80"] == 20.0  # the whole photo stays first


class Silent(ScriptedPredictor):
    """Finds nothing."""

    def predict(
        self, points: Any = None, *args: Any, photo: Encoded, **kwargs: Any
    ) -> Segmentation:
        return self._result(photo, [])


def test_a_click_without_a_mask_scores_nothing(two_parts: datasets.PartDataset) -> None:
    report = evaluate(Silent(two_parts), two_parts, "click").to_json()
    assert (report["iou_best"], report["iou_first"], report["noc80"]) == (0.0, 0.0, 20.0)


def test_click_targets_are_single_pieces(tmp_path: Path) -> None:
    parts = [
        [
            ("car", "wheel", (0, 0, 10, 10), None),
            ("car", "wheel", (20, 0, 30, 10), None),
            ("car", "badge", (40, 0, 42, 2), None),
        ]
    ]
    dataset = read(write_set(tmp_path / "cars", parts))
    report = evaluate(ScriptedPredictor(dataset), dataset, "click", noc_targets=0).to_json()
    assert report["targets"] == 2
    assert report["per_class"] == {
        "car: wheel": {"iou": 1.0, "iou_first": round(100 / PIXELS, 6), "count": 2}
    }


def test_counted_targets_are_spread(rich: datasets.PartDataset) -> None:
    assert spread_targets(rich.images, None) == {(0, 0), (0, 1), (0, 2), (1, 0)}
    assert spread_targets(rich.images, 2) == {(0, 0), (0, 2)}
    assert spread_targets(rich.images, 9) == spread_targets(rich.images, None)
    assert spread_targets(rich.images, 0) == set()


def test_label_by_hand(two_parts: datasets.PartDataset) -> None:
    predictor = ScriptedPredictor(two_parts)
    report = evaluate(predictor, two_parts, "label").to_json()
    assert predictor.names == [["car: hood", "car: door", "car: wheel"]]
    assert (report["recall1"], report["recall5"], report["targets"]) == (0.5, 1.0, 2)
    # Two thirds sure of the first name both times, and right once.
    (row,) = report["calibration"]
    assert (row["low"], row["high"], row["count"], row["accuracy"]) == (0.6, 0.7, 2, 0.5)
    assert report["ece"] == pytest.approx(2 / 3 - 1 / 2, abs=1e-5)
    assert report["mean_iou"] is None
    assert report["per_class"]["car: door"] == {
        "iou": None,
        "recall1": 0.0,
        "recall5": 1.0,
        "count": 1,
    }


def test_equal_similarities_are_no_recognition(two_parts: datasets.PartDataset) -> None:
    class Undecided(ScriptedPredictor):
        def label(self, masks: Any, names: Any, *, photo: Encoded) -> Any:
            labels = super().label(masks, names, photo=photo)
            labels.similarities[:] = 0.25
            return labels

    report = evaluate(Undecided(two_parts), two_parts, "label").to_json()
    assert report["recall1"] == 0.0


@pytest.mark.parametrize("protocol", ["oracle", "text"])
def test_seen_and_novel_names_apart(rich: datasets.PartDataset, protocol: str) -> None:
    def without_the_handle(mask: Mask) -> Mask:
        return mask if mask.sum() > 16 else np.zeros_like(mask)

    report = evaluate(
        ScriptedPredictor(rich, without_the_handle),
        rich,
        protocol,
        novel=novelty.Novel.of(["Dog"], ["handle"]),
    ).to_json()
    groups = report["novel"]
    assert groups["novel_objects"] == {"classes": 1, "count": 1, "miou": 1.0, "mean_iou": 1.0}
    assert groups["novel_parts"] == {"classes": 1, "count": 1, "miou": 0.0, "mean_iou": 0.0}
    assert (groups["novel"]["miou"], groups["novel"]["classes"]) == (0.5, 2)
    seen = report["per_class"]["car: door"]["iou"]
    assert groups["seen"]["miou"] == seen
    assert groups["harmonic"]["miou"] == pytest.approx(2 * 0.5 * seen / (0.5 + seen), abs=1e-6)


def test_where_nothing_is_novel_there_is_no_harmonic_mean(rich: datasets.PartDataset) -> None:
    report = evaluate(
        ScriptedPredictor(rich), rich, "oracle", novel=novelty.Novel.of(["whale"], [])
    )
    assert report.to_json()["novel"]["harmonic"] == {"miou": None, "mean_iou": None}
    assert "harmonic: miou -" in report.summary()


def test_novel_names_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "novel.json"
    file.write_text('{"note": "of mine", "objects": ["Fox"], "parts": ["beak"]}')
    novel = novelty.read(file)
    assert novel.group("fox: ear") == novel.group("FOX: beak") == "novel_objects"
    assert novel.group("bird: beak") == "novel_parts"
    assert novel.group("bird: wing") == "seen"
    for content in ("", "[]", '{"objects": "fox"}', '{"parts": [1]}'):
        file.write_text(content)
        with pytest.raises(InputError, match="novel names"):
            novelty.read(file)
    novelty.read(Path(__file__).parents[1] / "configs" / "holdout.json")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_limit_and_progress(rich: datasets.PartDataset, protocol: str) -> None:
    seen: list[int] = []

    def progress(records: Any) -> Any:
        for record in records:
            seen.append(record.id)
            yield record

    report = evaluate(
        ScriptedPredictor(rich), rich, protocol, limit=1, noc_targets=0, progress=progress
    )
    assert (report.images, seen) == (1, [0])
    assert set(report.to_json()["per_class"]) == {"car: door", "car: handle"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_photos_without_masks_score_nothing(tmp_path: Path, protocol: str) -> None:
    dataset = read(write_set(tmp_path / "empty", [[]], extra=[("car", "wheel")]))
    report = evaluate(ScriptedPredictor(dataset), dataset, protocol)
    assert report.scores.targets == 0
    assert report.scores.mean_iou is None
    json.dumps(report.to_json(), allow_nan=False)
    assert "-" in report.summary()


def test_unusable_requests_are_explained(tmp_path: Path, rich: datasets.PartDataset) -> None:
    with pytest.raises(InputError, match="oracle, text, click, label"):
        evaluate(ScriptedPredictor(rich), rich, "guess")
    nothing = read(write_set(tmp_path / "nothing", []))
    with pytest.raises(InputError, match="no photos"):
        evaluate(ScriptedPredictor(nothing), nothing, "text")


def test_a_photo_of_another_size_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "cars", TWO_PARTS)
    data = json.loads((folder / "val.json").read_text())
    data["images"][0]["width"] = 100
    (folder / "val.json").write_text(json.dumps(data))
    dataset = read(folder)
    with pytest.raises(InputError, match=r"60 x 40 pixels.*100 x 40"):
        evaluate(ScriptedPredictor(dataset), dataset, "text")


@pytest.mark.parametrize("segmentation", [{"size": [5, 5], "counts": "i0"}, [[1, 2, 3, 4, 5, 6]]])
def test_a_mask_that_does_not_fit_is_refused(tmp_path: Path, segmentation: Any) -> None:
    folder = write_set(tmp_path / "cars", TWO_PARTS)
    data = json.loads((folder / "val.json").read_text())
    data["annotations"][0]["segmentation"] = segmentation
    (folder / "val.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"photo0\.png"):
        evaluate(ScriptedPredictor(), read(folder), "label")


def test_report_file_and_table(tmp_path: Path, rich: datasets.PartDataset) -> None:
    report = evaluate(ScriptedPredictor(rich, shifted), rich, "oracle")
    report.write(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == report.to_json()
    assert list(tmp_path.glob("report*")) == [tmp_path / "report.json"]
    summary = report.summary()
    assert summary.startswith("rich/val, oracle, scripted: 2 photos, 4 targets")
    assert all(name in summary for name in ("miou", "mean_iou", "car: handle", "count"))


def test_a_report_says_what_it_was_asked_with(rich: datasets.PartDataset) -> None:
    report = evaluate(ScriptedPredictor(rich), rich, "oracle")
    assert "synonyms" not in report.to_json()
    assert replace(report, asked_with="tyres").to_json()["synonyms"] == "tyres"


def test_part_masks_survive_their_encoding() -> None:
    mask = mask_of_box(HOOD)
    assert (PartMask.from_mask(mask, label="hood").mask == mask).all()
