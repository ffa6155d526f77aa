"""The prompt language, and prompts checked against a photo."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg import prompts
from partclipseg.errors import InputError
from partclipseg.prompts import Query


def labels(text: str) -> list[str]:
    """What is asked, "-" before the negatives."""
    return ["-" * (q.sign < 0) + q.label for q in prompts.parse(text).queries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wheel", ["wheel"]),
        ("car: wheel, front door; dog: head; handle",
         ["car: wheel", "car: front door", "dog: head", "handle"]),
        ("car: wheel\nhandle", ["car: wheel", "handle"]),
        ("car: wheel\r\nhandle\r\n", ["car: wheel", "handle"]),
        ("car:", ["car"]),
        ("car: ; dog:", ["car", "dog"]),
        ("car: dog: head", ["car", "dog: head"]),
        ("car:: wheel", ["car: wheel"]),
        ("car: wheel, : handle", ["car: wheel", "handle"]),
        ("car: wheel, dog: head", ["car: wheel", "dog: head"]),
        (": wheel", ["wheel"]),
        ("car: -hub, wheel", ["-car: hub", "car: wheel"]),
        ("wheel, - hub,\u2212spoke", ["wheel", "-hub", "-spoke"]),
        ("t-shirt", ["t-shirt"]),
        ("  front \t  door ,, ;; , roof .", ["front door", "roof"]),
        ('"salt, pepper": lid', ["salt, pepper: lid"]),
        ('box: "12:30, left", -"hub, cap"', ["box: 12:30, left", "-box: hub, cap"]),
        ('"-5 plate", the "a;b" c', ["-5 plate", "the a;b c"]),
        ('"open, end', ["open", "end"]),
        ("“salt, pepper”, lid", ["salt, pepper", "lid"]),
        ('"", wheel', ["wheel"]),
        ("车：轮子，门；狗：头", ["车: 轮子", "车: 门", "狗: 头"]),
        ("سيارة: عجلة، باب؛ كلب: رأس", ["سيارة: عجلة", "سيارة: باب", "كلب: رأس"]),
        ("हाथ, ξ, ñandú", ["हाथ", "ξ", "ñandú"]),
        ("<b onclick=alert(1)>wheel</b>", ["<b onclick=alert(1)>wheel</b>"]),
        ("${7*6}, {{7*6}}, %s", ["${7*6}", "{{7*6}}", "%s"]),
        ("wh\0eel, do\ud800or", ["wh eel", "do or"]),
    ],
)  # fmt: skip
def test_the_language(text: str, expected: list[str]) -> None:
    assert labels(text) == expected
    assert prompts.parse(text).notes == ()


@pytest.mark.parametrize("text", ["", " ", "\n;,:", "?!... --", "-", '""', "-hub", "car: -hub"])
def test_no_name_is_told_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"no name to look for.*car: wheel"):
        prompts.parse(text)


@pytest.mark.parametrize("text", [None, 3, b"car", ["car"]])
def test_only_text_is_read(text: Any) -> None:
    with pytest.raises(InputError, match=type(text).__name__):
        prompts.parse(text)


def test_labels_and_what_the_text_tower_reads() -> None:
    asked = prompts.parse("car: wheel; dog:; handle, -hub").queries
    assert asked == (
        Query("car", "wheel"), Query("dog", None), Query(None, "handle"), Query(None, "hub", -1),
    )  # fmt: skip
    assert [q.text for q in asked] == ["wheel of a car", "dog", "handle", "hub"]
    assert prompts.names_of(asked) == ["car: wheel", "dog", "handle"]


def test_a_name_counts_once_however_it_is_written() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    parsed = prompts.parse(f"Wheel, wheel,  WHEEL; car: wheel; {composed}, {decomposed}")
    assert [q.label for q in parsed.queries] == ["Wheel", "car: wheel", composed]
    assert parsed.notes == ("Names that were given twice count once.",)


def test_five_thousand_names() -> None:
    parsed = prompts.parse(",".join(f"n{i}" for i in range(3000)))
    assert [q.label for q in parsed.queries] == [f"n{i}" for i in range(prompts.MAX_NAMES)]
    assert parsed.notes == ("Only the first 100 of 3000 names were used.",)
    notes = prompts.parse(",".join(f"n{i}" for i in range(5000))).notes
    assert len(notes) == 2 and "20,000 characters" in notes[0] and "first 100" in notes[1]


def test_a_hundred_thousand_characters() -> None:
    parsed = prompts.parse("x" * 100_000 + ", wheel")
    assert [q.label for q in parsed.queries] == ["x" * prompts.MAX_NAME_LENGTH]
    assert parsed.notes == (
        "Only the first 20,000 characters were read.",
        "Names are cut after 80 characters.",
    )


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('ab \t\n,;:"-−“，：é🚗\0'), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = prompts.parse(text)
    except InputError:
        return
    keys = [(q.object, q.part) for q in parsed.queries]
    assert len(set(keys)) == len(keys) and any(q.sign > 0 for q in parsed.queries)
    for query in parsed.queries:
        assert query.label == query.label.strip() and query.text
        assert not set(query.label) & set("\n\t\0")


names = st.text(alphabet="abcde ,;:-", min_size=1, max_size=12).map(lambda t: " ".join(t.split()))
quotable = names.filter(lambda t: any(c.isalnum() for c in t))


@settings(deadline=None)
@given(st.lists(quotable, min_size=1, max_size=6, unique=True))
def test_quoted_names_come_back_as_they_were(given_names: list[str]) -> None:
    assert labels(", ".join(f'"{name}"' for name in given_names)) == given_names
    assert labels("o: " + ",".join(f'"{n}"' for n in given_names)) == [
        f"o: {n}" for n in given_names
    ]


def test_checked_prompts() -> None:
    mask = np.zeros((30, 40), bool)
    mask[3, 4] = True
    checked = prompts.validate(
        40, 30, points=[(-0.5, 29.5), [3, 4]], point_labels=[True, 0], boxes=[[-5, 2, 10, 99]],
        mask=mask, text="wheel, wheel", granularity="part",
    )  # fmt: skip
    assert checked.points.tolist() == [[-0.5, 29.5], [3, 4]]
    assert checked.point_labels.tolist() == [1, 0]
    assert checked.boxes.tolist() == [[0, 2, 10, 30]]  # cut to the photo
    assert checked.mask is not None and checked.mask.dtype == np.float32 and checked.mask.sum() == 1
    assert checked.queries == (Query(None, "wheel"),) and len(checked.notes) == 1
    assert checked.granularity == "part"


def test_nothing_asked() -> None:
    nothing: list[Any] = [None, [], np.zeros((0, 2))]
    for none in nothing:
        checked = prompts.validate(40, 30, points=none, point_labels=none, text="")
        assert checked.points.shape == (0, 2) and checked.boxes.shape == (0, 4)
        assert checked.point_labels.shape == (0,) and checked.queries == ()
        assert checked.mask is None


def test_one_point_or_box_needs_no_list_and_clicks_are_positive() -> None:
    checked = prompts.validate(40, 30, points=(3, 4), boxes=(1, 2, 3, 4))
    assert checked.points.tolist() == [[3, 4]] and checked.point_labels.tolist() == [1]
    assert checked.boxes.tolist() == [[1, 2, 3, 4]]


FULL = np.ones((30, 40))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"points": [(40, 3)]}, "(40, 3) lies outside the photo, which is 40 x 30"),
        ({"points": [(3, 3), (3, -1)]}, "(3, -1) lies outside"),
        ({"points": [(np.nan, 3)]}, "NaN"),
        ({"points": [(np.inf, 3)]}, "infinite"),
        ({"points": [(10**400, 3)]}, "numbers"),
        ({"points": [("a", 3)]}, "numbers"),
        ({"points": [(1, 2), (3,)]}, "numbers"),
        ({"points": {"x": 3}}, "numbers"),
        ({"points": [(1, 2, 3)]}, "shape (1, 3)"),
        ({"points": 5}, "shape ()"),
        ({"points": [(1, 1)] * 201}, "201 points; at most 200"),
        ({"points": [(1, 1)], "point_labels": [1, 0]}, "1 points but 2 point labels"),
        ({"point_labels": [1]}, "0 points but 1 point labels"),
        ({"points": [(1, 1)], "point_labels": [2]}, "1 (on the part) or 0"),
        ({"points": [(1, 1)], "point_labels": [np.nan]}, "1 (on the part) or 0"),
        ({"points": [(1, 1)], "point_labels": ["yes"]}, "1 (on the part) or 0"),
        ({"points": [(1, 1)] * 2, "point_labels": [[1], [0, 1]]}, "for each point"),
        ({"boxes": [(5, 5, 5, 9)]}, "empty or reversed"),
        ({"boxes": [(9, 9, 5, 5)]}, "empty or reversed"),
        ({"boxes": [(40, 0, 50, 10)]}, "outside the photo"),
        ({"boxes": [(-9, 0, 0, 10)]}, "outside the photo"),
        ({"boxes": [(1, 2, 3)]}, "(x0, y0, x1, y1)"),
        ({"boxes": [(1, 2, 3, np.nan)]}, "NaN"),
        ({"boxes": [(1, 2, 3, 4)] * 51}, "51 boxes; at most 50"),
        ({"mask": np.ones((40, 30))}, "(40, 30); it must be (30, 40)"),
        ({"mask": FULL[..., None]}, "(30, 40, 1)"),
        ({"mask": FULL * np.nan}, "NaN"),
        ({"mask": FULL * 255}, "0 to 1"),
        ({"mask": -FULL}, "0 to 1"),
        ({"mask": FULL * 0.5}, "empty"),
        ({"mask": FULL.astype(str).astype("U1") + "x"}, "0 to 1"),
        ({"mask": [[1], [1, 2]]}, "0 to 1"),
        ({"mask": {}}, "0 to 1"),
        ({"text": ",;"}, "no name"),
        ({"text": ["car"]}, "list"),
        ({"granularity": "tiny"}, "whole, part or subpart"),
        ({"granularity": []}, "whole, part or subpart"),
    ],
)  # fmt: skip
def test_wrong_prompts_are_told_in_one_sentence(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        prompts.validate(40, 30, **wrong)
    message = str(caught.value)
    assert words in message
    assert message.endswith(".") and "\n" not in message and len(message) < 200
