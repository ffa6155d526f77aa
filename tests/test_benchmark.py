"""What the benchmark writes; how long anything takes is never tested."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from partclipseg import PartPredictor, cli
from partclipseg.errors import PartCLIPSegError
from partclipseg.evaluation import benchmark, comparison, served

TIMES = {
    "encode_ms", "click_ms", "names10_ms", "names10_first_ms", "everything_s",
    "label1k_ms", "label5k_ms", "label20k_ms", "help_s",
}  # fmt: skip


def test_a_question_is_timed_after_it_was_warmed_up() -> None:
    asked: list[int] = []
    timing = benchmark.timed(lambda: asked.append(1), times=5, warm=2)
    assert len(asked) == 7
    assert 0 <= timing.best <= timing.median


def test_figures_are_in_the_unit_of_their_name() -> None:
    times = {"click_ms": benchmark.Timing(20, 10, 15), "help_s": benchmark.Timing(500, 250, 200)}
    figures = benchmark.as_json(times)
    assert figures == {
        "click_ms": 20,
        "help_s": 0.5,
        "best": {"click_ms": 10, "help_s": 0.25},
        "cpu_time": {"click_ms": 15, "help_s": 0.2},
    }
    assert benchmark.rows(figures | {"rss_mb": 812.4}) == [
        ("one click", "20.00 ms", "10.00 ms", "15.00 ms"),
        ("--help", "0.50 s", "0.25 s", "0.20 s"),
        ("app's memory", "812 MB", "", ""),
    ]


def test_multiplications_are_counted_in_attention_too() -> None:
    # 3 outputs of 4 products for each of 2 rows; then two products of (5, 8) and (8, 5) matrices.
    linear = torch.nn.Linear(4, 3)
    assert comparison.multiplications(lambda: linear(torch.ones(2, 4))) == 2 * 4 * 3
    q = torch.ones(1, 1, 5, 8)
    attention = torch.nn.functional.scaled_dot_product_attention
    assert comparison.multiplications(lambda: attention(q, q, q)) == 2 * 5 * 5 * 8


def test_ratios_are_ours_over_theirs() -> None:
    measured = {
        comparison.OURS: {"gmac": 2.0, "encode_ms": 10.0, "peak_mb": None},
        comparison.CLIPSEG: {"gmac": 8.0, "encode_ms": 20.0, "peak_mb": 900.0},
    }
    assert comparison.ratios(measured) == {comparison.CLIPSEG: {"gmac": 0.25, "encode_ms": 0.5}}
    ours, theirs, ratio = comparison.table(measured)[1:]
    assert ours.split()[-1] == "-" and theirs.split()[0] == comparison.CLIPSEG
    assert ratio.split()[-3:] == ["0.250", "0.500", "-"]


def test_a_comparison_without_transformers_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(PartCLIPSegError, match=r"requirements-train\.txt"):
        comparison.measure(comparison.CLIPSEG, "lite", None, 1, 1)


def test_the_photo_has_the_asked_long_side(example: Path) -> None:
    photo = benchmark.photo_of(None)
    assert max(photo.width, photo.height) == benchmark.SIDE
    tall = benchmark.photo_of(example / "astronaut.jpg", 96)
    assert max(tall.width, tall.height) == 96


def test_a_mask_gets_the_nearest_names(lite: Any, example: Path) -> None:
    photo = PartPredictor(lite).encode(example / "house.jpg")
    dense = photo.full.features.part[0]
    vectors = benchmark.names_of(50, dense.shape[0])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(50))
    mask = torch.zeros(1, 2 * dense.shape[1], 2 * dense.shape[2])
    mask[:, :2, :2] = 1  # the first cell of the dense map, and nothing else
    vectors[17] = dense[:, 0, 0]
    cosines, indices = benchmark.label(photo, mask, vectors)
    assert indices[0] == 17 and len(indices) == 5
    assert cosines[0] == pytest.approx(1, abs=1e-5)


def test_the_command_writes_every_figure(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "new" / "figures.json"
    assert cli.main(["benchmark", "--no-app", "--repeats", "1", "--json", str(file)]) == 0
    figures = json.loads(file.read_text())
    assert set(figures) >= TIMES | {"cpu", "threads", "model", "photo", "load", "torch"}
    assert all(figures[name] > 0 for name in TIMES)
    assert set(figures["best"]) == set(figures["cpu_time"]) == TIMES
    out = capsys.readouterr().out
    assert "10 names" in out and figures["cpu"] in out


def test_the_command_needs_a_file_not_a_folder(tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["benchmark", "--json", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_memory_of_this_process() -> None:
    memory = served.resident_mb()
    assert memory is None or 10 < memory < 100_000
    assert served.resident_mb(2**31 - 1) is None


@pytest.mark.slow
def test_the_app_answers(example: Path) -> None:
    figures = served.measure_app("lite", benchmark.photo_of(None), 1)
    assert figures["first_answer_s"] >= figures["ready_s"] > 0
    assert figures["click_http_ms"] > 0


def test_each_command_says_the_same_of_itself_in_both_places() -> None:
    from importlib import import_module

    for name, summary in cli.COMMANDS.items():
        module = import_module(f"partclipseg.cli.{name}")
        assert summary == module.SUMMARY
