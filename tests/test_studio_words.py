"""What is said about words while they are typed."""

from typing import Any

import numpy as np
import pytest
from scripted_studio import ScriptedPredictor

from partclipseg import images, palette
from partclipseg.studio.asks import Ask
from partclipseg.studio.engine import Engine
from partclipseg.studio.words import preview, read_words, suggest


def test_a_chip_for_each_name_in_the_colour_that_the_answer_has() -> None:
    text = "car: wheel, unicorn horn, -hubcap; unicorn: horn; dog:"
    chips = preview(text)["chips"]
    assert [(c["object"], c["part"], c["negative"]) for c in chips] == [
        ("car", "wheel", False),
        ("car", "unicorn horn", False),
        ("car", "hubcap", True),
        ("unicorn", "horn", False),
        ("dog", None, False),
    ]
    assert chips[2]["colour"] is None

    engine = Engine(ScriptedPredictor, 2**26)
    encoded, _ = engine.encode(images.read(np.zeros((40, 60, 3), np.uint8)))
    parts = engine.answer(encoded, Ask("text", text)).segmentation.parts
    shown = {": ".join(n for n in (c["object"], c["part"]) if n): c["colour"] for c in chips}
    assert "unicorn: horn" not in {p.label for p in parts}, "a name that is not found keeps its own"
    assert all(part.colour == shown[part.label] for part in parts if shown.get(part.label))
    assert shown["car: wheel"] == palette.colour("car: wheel")


def test_what_was_dropped_is_noted() -> None:
    assert "twice" in " ".join(preview("wheel, wheel")["notes"])


@pytest.mark.parametrize("text", ["", " , ;", "-hubcap"])
def test_words_that_ask_for_nothing_yet_are_no_error(text: str) -> None:
    assert preview(text) == {"chips": [], "notes": []}


@pytest.mark.parametrize(
    "payload", [None, 3, {}, {"text": 5}, {"text": "x" * 5000}, {"text": ["a"], "caret": "b"}]
)
def test_whatever_is_sent_gets_an_answer(payload: Any) -> None:
    assert read_words(payload) == {"chips": [], "notes": [], "suggestions": []}


def test_suggestions_finish_the_name_at_the_cursor() -> None:
    told = read_words({"text": "dog: head, ta", "caret": 13})
    assert told["suggestions"][0] == "tail"
    assert read_words({"text": "dog: head, ta", "caret": -1})["suggestions"] == []
    assert read_words({"text": "do; cat: ear", "caret": 2})["suggestions"][0] == "dog"
    assert "wheel" in suggest("-whe", 8)


def test_parts_of_the_object_come_first_and_are_offered_at_once() -> None:
    offered = suggest("cat: ", 8)
    assert offered and set(offered) & {"head", "ear", "tail"}
    assert suggest("cat: e", 8)[0] in {"ear", "eye"}
    assert suggest("", 8) == suggest("cat; ", 8) == []


def test_no_more_than_asked_for_and_not_what_stands_there() -> None:
    assert len(suggest("b", 3)) == 3
    assert "wheel" not in suggest("wheel", 8)
    assert suggest("zzqx", 8) == []
