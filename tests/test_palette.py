"""Colours: stable for a label, distinct for labels shown together."""

import itertools
import re
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg import palette

labels = st.text(max_size=20)


def test_the_palette_is_distinct_six_digit_hex() -> None:
    assert len(set(palette.COLOURS)) == len(palette.COLOURS)
    assert all(re.fullmatch("#[0-9a-f]{6}", c) for c in palette.COLOURS)


def test_neighbours_can_be_told_apart() -> None:
    def channels(colour: str) -> list[int]:
        return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]

    for a, b in itertools.combinations(palette.COLOURS, 2):
        difference = sum(abs(x - y) for x, y in zip(channels(a), channels(b), strict=True))
        assert difference > 40, (a, b)


@settings(deadline=None)
@given(labels)
def test_a_label_has_a_colour_whatever_its_case(label: str) -> None:
    assert palette.colour(label) in palette.COLOURS
    assert palette.colour(f" {label.strip()} ") == palette.colour(label)
    assert palette.assign([label]) == {label: palette.colour(label)}


def test_a_label_keeps_its_colour_in_another_process() -> None:
    names = ["car: wheel", "轮子", "dog"]
    code = f"from partclipseg import palette; print([palette.colour(n) for n in {names!a}])"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, text=True, capture_output=True
    )
    assert run.stdout.strip() == str([palette.colour(n) for n in names])
    assert palette.colour("Car: Wheel") == palette.colour("car: wheel")


def test_half_a_character_has_a_colour_too() -> None:
    assert palette.colour("\ud800") in palette.COLOURS


@settings(deadline=None)
@given(st.lists(labels, max_size=40))
def test_colours_are_shared_only_when_they_run_out(names: list[str]) -> None:
    chosen = palette.assign(names)
    assert list(chosen) == list(dict.fromkeys(names))
    assert chosen == palette.assign(names)
    uses = [list(chosen.values()).count(c) for c in palette.COLOURS]
    assert max(uses) - min(uses) <= 1


@settings(deadline=None)
@given(st.lists(labels, min_size=2, max_size=20, unique=True))
def test_labels_that_are_added_change_nothing_before_them(names: list[str]) -> None:
    some = palette.assign(names[:-1])
    assert {k: palette.assign(names)[k] for k in some} == some
