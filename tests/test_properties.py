"""Laws that hold for any text, any run lengths and any result, tried with what Hypothesis finds."""

import csv
import io
import json
import unicodedata
import zipfile
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from partclipseg import exports, prompts
from partclipseg.errors import InputError
from partclipseg.geometry import Frame
from partclipseg.prompts import MAX_NAME_LENGTH, MAX_NAMES, Query
from partclipseg.results import PartMask, Segmentation

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

quick = settings(deadline=None, max_examples=150)
marks = st.text(
    st.sampled_from("ab1 \t\n,;:.!?\"'-−“”，：；、ée\u0301🚗轮\0\ud800\u202e"), max_size=40
)
anything = st.text(st.characters(codec=None), max_size=40)
texts = st.one_of(marks, anything)


def read(text: str) -> tuple[Query, ...]:
    try:
        return prompts.parse(text).queries
    except InputError:
        return ()


# The prompt language


@quick
@given(texts)
def test_names_keep_within_their_limits(text: str) -> None:
    for query in read(text):
        assert query.object or query.part
        for name in filter(None, (query.object, query.part)):
            assert 0 < len(name) <= MAX_NAME_LENGTH
            assert name == " ".join(name.split()) == unicodedata.normalize("NFC", name)
            assert any(c.isalnum() for c in name)
            assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)


@quick
@given(st.lists(texts, min_size=2, max_size=5))
def test_lines_are_read_as_if_each_stood_alone(lines: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    # Quotes reach no further than their line, an object neither.
    apart = {(q.label.casefold(), q.sign) for line in lines for q in read(line)}
    together = {(q.label.casefold(), q.sign) for q in read("\n".join(lines))}
    assert {label for label, _ in apart} <= {label for label, _ in together}


@quick
@given(texts)
def test_reading_again_what_was_read_changes_nothing(text: str) -> None:
    from partclipseg.studio.insights import _spelled

    for query in read(text):
        spelled = _spelled(query)
        assert "\n" not in spelled
        (again,) = prompts.parse(spelled).queries
        plain = [
            (name or "").replace('"', "\N{DOUBLE PRIME}") for name in (query.object, query.part)
        ]
        assert [again.object or "", again.part or ""] == plain and again.sign == 1


@quick
@given(st.integers(0, 300), st.booleans())
def test_no_more_than_the_first_names_are_used(count: int, owned: bool) -> None:
    text = ("car: " if owned else "") + ", ".join(f"n{i}" for i in range(count))
    found = read(text)
    wanted = [f"{'car: ' * owned}n{i}" for i in range(min(count, MAX_NAMES))]
    assert [query.label for query in found] == (wanted or ["car"] * owned)


payloads = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["text", "caret", "kind", "points", "x"]), inner),
    ),
    max_leaves=12,
)


@quick
@given(payloads, texts, st.one_of(st.integers(), st.floats(), st.none()))
def test_whatever_is_typed_gets_an_answer(payload: Any, text: str, caret: Any) -> None:
    from partclipseg.studio.words import read_words

    for sent in (payload, {"text": text, "caret": caret}):
        answer = read_words(sent)
        assert set(answer) == {"chips", "notes", "suggestions"}


@quick
@given(payloads)
@example({"kind": "prompts", "points": [[10**400, 1, 1]]})
@example({"kind": "prompts", "mask": {"size": [10**400, 1], "counts": "0"}})
def test_any_question_is_read_or_refused(payload: Any) -> None:
    from partclipseg.studio.asks import Ask

    try:
        ask = Ask.read(payload)
    except InputError:
        return
    assert ask.kind in ("text", "prompts", "everything") and hash(ask) == hash(ask)


# Coordinates

sides = st.integers(16, 800)
shares = st.floats(0, 1)


@quick
@given(sides, sides, shares, shares, shares, shares)
def test_order_and_inside_stay(
    width: int, height: int, x: float, y: float, right: float, below: float
) -> None:
    frame = Frame.fit(width, height)
    inner = np.array([frame.inner_width, frame.inner_height])
    points = np.array([(x, y), (max(x, right), max(y, below))]) * (width, height) - 0.5
    first, second = frame.points_to_model(points)
    assert (first <= second).all()
    assert (first >= -0.5 - 1e-9).all() and (second <= inner - 0.5 + 1e-9).all()
    box = frame.boxes_to_model(np.concatenate(points + 0.5))[0]
    assert (box[:2] <= box[2:]).all() and (box[2:] <= inner + 1e-9).all()


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([(16, 800), (800, 16), (17, 640), (1, 1), (3, 150)]), st.integers(0, 2**32))
def test_the_narrowest_photos_are_scaled_too(size: tuple[int, int], seed: int) -> None:
    width, height = size
    frame = Frame.fit(width, height)
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    grid = frame.mask_to_model(mask)
    assert grid.min() >= 0 and grid.max() <= 1 and np.isfinite(grid).all()
    back = frame.map_to_photo(grid)
    assert back.shape == (height, width) and np.isfinite(back).all()


# Run lengths


def plain_decode(counts: str, height: int, width: int) -> np.ndarray | None:
    """COCO's compressed run lengths as their definition says, with Python's own integers."""
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value = shift = 0
        while True:
            if at == len(counts) or not 0 <= ord(counts[at]) - 48 <= 63:
                return None
            code = ord(counts[at]) - 48
            at += 1
            value |= (code & 31) << shift
            shift += 5
            if not code & 32:
                if code & 16:
                    value -= 1 << shift
                break
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    if not runs or min(runs) < 0 or sum(runs) != height * width:
        return None
    flat = np.repeat(np.arange(len(runs)) % 2, runs).astype(bool)
    return flat.reshape(width, height).T


shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
digits = st.text(st.sampled_from([chr(48 + i) for i in range(64)] + ["é", "\0", "p"]), max_size=12)


def part_of(counts: str, height: int, width: int) -> PartMask | None:
    rle = {"size": [height, width], "counts": counts}
    data = {"label": "x", "bbox": [0, 0, 0, 0], "area": 0, "segmentation": rle}
    try:
        return PartMask.from_json(data)
    except InputError:
        return None


@settings(deadline=None, max_examples=600)
@given(digits, shapes)
@example("o" * 7 + "0", (1, 1))
@example("0", (1, 1))
def test_run_lengths_are_decoded_or_refused_as_they_are_defined(
    counts: str, shape: tuple[int, int]
) -> None:
    """pycocotools believes whatever it is given and writes beyond the mask."""
    part, expected = part_of(counts, *shape), plain_decode(counts, *shape)
    assert (part is None) == (expected is None)
    if part is not None and expected is not None:
        assert (part.mask == expected).all()


@settings(deadline=None, max_examples=300)
@given(arrays.arrays(bool, shapes), st.data())
def test_run_lengths_with_one_wrong_digit(mask: np.ndarray, data: st.DataObject) -> None:
    counts = PartMask.from_mask(mask, label="x").rle["counts"]
    at = data.draw(st.integers(0, len(counts) - 1))
    changed = counts[:at] + data.draw(digits) + counts[at + 1 :]
    part, expected = part_of(changed, *mask.shape), plain_decode(changed, *mask.shape)
    assert (part is None) == (expected is None)
    if part is not None and expected is not None:
        assert (part.mask == expected).all()


def written(value: int) -> str:
    """One number as COCO writes it."""
    out = ""
    while True:
        digit, value = value & 31, value >> 5
        more = value != (-1 if digit & 16 else 0)
        out += chr(48 + digit + 32 * more)
        if not more:
            return out


def test_runs_whose_sum_begins_anew_are_refused() -> None:
    """They rise and fall and are 2^64 + 1 pixels together: one, as far as 64 bits can tell."""
    step, half = 2**37, 2**13
    rise = [step * i for i in (*range(1, half + 1), *range(half - 1, 0, -1))]
    runs = [run for run in rise for _ in range(2)] + [1]
    assert sum(runs) == 2**64 + 1
    counts = "".join(
        written(run - (runs[i - 2] if i > 2 else 0)) for i, run in enumerate(runs)
    )  # fmt: skip
    assert part_of(counts, 1, 1) is None
    assert part_of(written(0) + written(1), 1, 1) is not None


# Results and what is made of them

names = st.one_of(st.none(), texts)
scores = st.one_of(st.none(), st.floats(-1, 1))


@st.composite
def results(draw: st.DrawFn) -> Segmentation:
    shape = draw(shapes)
    parts = tuple(
        PartMask.from_mask(
            draw(arrays.arrays(bool, shape)), label=draw(texts), object=draw(names),
            part=draw(names), similarity=draw(scores), probability=draw(scores),
            predicted_iou=draw(scores),
        )
        for _ in range(draw(st.integers(0, 3)))
    )  # fmt: skip
    return Segmentation(draw(texts), shape[1], shape[0], "lite", parts)


def as_utf8(text: str | None) -> str:
    return (text or "").encode("utf-8", "replace").decode()


@quick
@given(results())
def test_every_result_survives_json(found: Segmentation) -> None:
    assert Segmentation.from_json(json.loads(json.dumps(found.to_json()))) == found


@quick
@given(results(), st.data())
def test_a_result_with_one_wrong_value_is_refused_or_whole(
    found: Segmentation, data: st.DataObject
) -> None:
    given_json = json.loads(json.dumps(found.to_json()))
    place = data.draw(st.sampled_from([given_json, *given_json["parts"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(payloads)
    try:
        again = Segmentation.from_json(given_json)
    except InputError as error:
        assert len(str(error)) < 300
        return
    assert again.label_map().shape == (again.height, again.width)
    exports.coco_json(again)
    exports.summary_csv([again])
    exports.svg(again)


@quick
@given(results())
def test_every_result_is_read_back_from_coco(found: Segmentation) -> None:
    data = json.loads(exports.coco_json(found))
    for annotation, part in zip(data["annotations"], found.parts, strict=True):
        assert annotation["label"] == as_utf8(part.label)
        rle = annotation["segmentation"]
        mask = coco_mask.decode({**rle, "counts": rle["counts"].encode()})
        assert (mask == part.mask).all()
    known = {category["id"] for category in data["categories"]}
    assert {annotation["category_id"] for annotation in data["annotations"]} == known


@quick
@given(results())
def test_every_result_is_read_back_from_the_table(found: Segmentation) -> None:
    text = exports.summary_csv([found]).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == max(1, len(found.parts))
    for row, part in zip(rows, found.parts, strict=False):
        label = as_utf8(part.label)
        assert row["label"] in (label, f"'{label}")
        assert not row["label"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert int(row["area"]) == part.area


@quick
@given(results())
def test_every_result_is_well_formed_svg(found: Segmentation) -> None:
    root = ElementTree.fromstring(exports.svg(found))
    paths = root.findall("{http://www.w3.org/2000/svg}path")
    assert len(paths) == len(found.parts)
    shown = {path.get("data-number"): path.get("data-label") for path in paths}
    for number, part in enumerate(found.parts, 1):
        assert len(shown[str(number)] or "") == len(part.label)


@settings(deadline=None, max_examples=60)
@given(results())
def test_every_result_is_read_back_from_arrays_and_archives(found: Segmentation) -> None:
    with np.load(io.BytesIO(exports.npz(found)), allow_pickle=False) as data:
        assert data["masks"].shape == (len(found.parts), found.height, found.width)
        for mask, part in zip(data["masks"], found.parts, strict=True):
            assert (mask == part.mask).all()
    archive = zipfile.ZipFile(io.BytesIO(exports.labels_zip(found)))
    assert archive.testzip() is None
    photo = np.zeros((found.height, found.width, 3), np.uint8)
    whole = [part for part in found.parts if part.area]
    kept = Segmentation(found.image, found.width, found.height, "lite", tuple(whole))
    entries = zipfile.ZipFile(io.BytesIO(exports.cutouts_zip(photo, kept))).namelist()
    assert len(entries) == len(set(map(str.casefold, entries))) == len(whole) + 1
    assert not any(set(name) & set('/\\:*?"<>|\0') or name.startswith(".") for name in entries)
