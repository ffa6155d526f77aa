"""From JSON files to a page."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from partclipseg import cli
from partclipseg.errors import InputError
from partclipseg.evaluation import document

NOVEL = {
    **{
        group: {"classes": 1, "count": 2, "miou": 0.5, "mean_iou": 0.4}
        for group in ("seen", "novel_objects", "novel_parts", "novel")
    },
    "harmonic": {"miou": 0.5, "mean_iou": 0.4},
}
BIN = {"low": 0.5, "high": 0.6, "count": 4, "confidence": 0.55, "accuracy": 0.25}


def evaluation(protocol: str, **more: Any) -> dict[str, Any]:
    figures = {
        "oracle": {"miou": 0.75, "mean_iou": 0.5, "mean_boundary_iou": 0.25, "novel": NOVEL},
        "text": {"miou": 0.5, "mean_iou": None},
        "click": {"iou_best": 0.6, "iou_first": 0.5, "noc80": None, "noc_targets": 0},
        "label": {"recall1": 0.9, "recall5": 1.0, "ece": 0.3, "calibration": [BIN]},
    }[protocol]
    base = {"protocol": protocol, "data": "cars", "split": "val", "model": "lite", "images": 3}
    classes = {"car: wheel": {"iou": 0.75, "count": 4}, "car: a|b": {"iou": None, "count": 2}}
    return {**base, "targets": 6, "per_class": classes, **figures, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        **{f"cars-{p}": evaluation(p) for p in document.COLUMNS},
        "cars-synonyms": evaluation("oracle", miou=0.125),
        "walker/cars-click": evaluation("click", model="walker", iou_first=0.375),
        "half": evaluation("oracle", images=1, miou=0.0),
        "other": {"not": "ours"},
        "benchmark": {
            "encode_ms": 100.0, "cpu": "A | B", "threads": 2, "load": 0.1, "help_s": 0.25,
            "comparison": {"partclipseg": {"gmac": 3.0}, "clipseg_352": {"gmac": 12.0}},
            "ratios": {"clipseg_352": {"gmac": 0.25}},
        },
    }  # fmt: skip
    for name, data in files.items():
        file = tmp_path / "json" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(data))
    (tmp_path / "json" / "broken.json").write_text("{")
    return tmp_path / "json"


def test_the_page_has_every_table_and_picture(folder: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "docs" / "results.md"
    assert cli.main(["report", "--from", str(folder), "--out", str(out)]) == 0
    page = out.read_text()
    assert "| cars | 3 | 6 | 0.750 | 0.500 | 0.250 |" in page
    assert "| cars | 3 | 6 | 0.600 | 0.500 | – | – | – | – | 0 |" in page
    assert "| cars, oracle | miou | 1 / 2 | 1 / 2 | 1 / 2 | 0.500 |" in page
    assert "| cars | oracle | synonyms | 0.750 | 0.125 |" in page
    assert "| cars | 3 | 0.500 | 0.375 |" in page  # beside the walker
    assert "| ours / clipseg_352 | 0.250 |" in page
    assert "--protocol oracle" in page and "benchmark --compare" in page
    pictures = {p.name for p in (out.parent / "images").iterdir()}
    assert pictures == {
        "results-calibration.png", "results-models-click.png", "results-classes-cars.png",
    }  # fmt: skip
    assert all(f"(images/{name})" in page for name in pictures)
    assert "6 evaluations" in capsys.readouterr().out


def test_pictures_do_not_depend_on_the_day(folder: Path) -> None:
    results = document.collect(folder)
    first, again = document.pages(results, "json"), document.pages(results, "json")
    assert first == again
    for content in first[1].values():
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == "PNG" and min(picture.size) > 100


def test_the_evaluation_over_more_photos_counts(folder: Path) -> None:
    assert document.collect(folder).sets("oracle", "lite")["cars"]["images"] == 3


def test_nothing_to_report_is_said(tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(InputError, match="holds no JSON"):
        document.collect(tmp_path)
    assert cli.main(["report", "--from", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
