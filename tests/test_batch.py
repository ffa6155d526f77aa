"""Many photos at once: what is in the ZIP, what is said of each photo, how it is stopped."""

import csv
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from PIL import Image
from scripted_studio import ScriptedPredictor

from partclipseg import images, studio
from partclipseg.errors import InputError
from partclipseg.studio import assets, batch, batch_page, strings
from partclipseg.studio.batch import Done, Failed, Finished, Order, Source, Working
from partclipseg.studio.engine import Engine
from partclipseg.studio.tasks import Stops

WORDS = "car: wheel, door"


def photo_file(folder: Path, name: str, seed: int = 0, size: tuple[int, int] = (60, 40)) -> Source:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    path = folder / f"{seed}.png"
    Image.fromarray(noise).save(path)
    return Source(path, name)


def damaged_file(folder: Path, name: str) -> Source:
    whole = photo_file(folder, name, 77).path.read_bytes()
    path = folder / "damaged.png"
    path.write_bytes(whole[: len(whole) // 2])
    return Source(path, name)


@pytest.fixture
def predictor() -> ScriptedPredictor:
    return ScriptedPredictor()


@pytest.fixture
def engine(predictor: ScriptedPredictor) -> Engine:
    return Engine(lambda: predictor, 2**26)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    return tmp_path / "made" / "all.zip"


def done_all(
    engine: Engine,
    photos: Sequence[Source],
    target: Path,
    *,
    words: str = WORDS,
    wants: Sequence[str] = ("overlay",),
    stop: threading.Event | None = None,
) -> list[batch.Event]:
    order = Order.read(words, 0.5, wants)
    return list(batch.run(engine, photos, order, target, stop or threading.Event()))


def table(path: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read("summary.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


# The ZIP


def test_a_damaged_photo_is_told_and_the_others_go_on(
    engine: Engine, tmp_path: Path, target: Path
) -> None:
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(4)]
    photos.insert(2, damaged_file(tmp_path, "holiday.png"))
    events = done_all(engine, photos, target)
    assert [e.index for e in events if isinstance(e, Done)] == [0, 1, 3, 4]
    (failed,) = [e for e in events if isinstance(e, Failed)]
    reason = "holiday.png is damaged or cut off and cannot be decoded."
    assert failed == Failed(2, reason)
    assert events[-1] == Finished(target, False)
    assert names(target) == [f"{n}/{n}_overlay.png" for n in range(4)] + ["summary.csv"]
    rows = table(target)
    assert [row["photo"] for row in rows] == [
        "0.png", "0.png", "1.png", "1.png", "holiday.png", "2.png", "2.png", "3.png", "3.png",
    ]  # fmt: skip
    assert [row["error"] for row in rows if row["error"]] == [reason]
    assert not [path for path in target.parent.iterdir() if path != target]


def test_a_row_says_all_of_a_part(engine: Engine, tmp_path: Path, target: Path) -> None:
    done_all(engine, [photo_file(tmp_path, "My car.PNG")], target)
    first, second = table(target)
    assert first == {
        "photo": "My car.PNG", "folder": "My_car", "label": "car: wheel", "object": "car",
        "part": "wheel", "similarity": "0.7000", "probability": "0.9000",
        "predicted_iou": "0.8000", "bbox_x": "0", "bbox_y": "0", "bbox_width": "30",
        "bbox_height": "40", "area": "1200", "share": "0.500000", "error": "",
    }  # fmt: skip
    assert (second["part"], second["bbox_x"]) == ("door", "30")


def test_a_folder_holds_what_was_wanted(engine: Engine, tmp_path: Path, target: Path) -> None:
    photo = photo_file(tmp_path, "car.png")
    done_all(engine, [photo], target, wants=batch.WANTS)
    assert names(target) == [
        "car/car_overlay.png",
        "car/car_coco.json",
        "car/car_masks/car_01_car_wheel.png",
        "car/car_masks/car_02_car_door.png",
        "car/car_cutouts/car_01_car_wheel.png",
        "car/car_cutouts/car_02_car_door.png",
        "car/car_cutouts/car_cutouts.json",
        "car/car_labels.png",
        "car/car_labels.json",
        "summary.csv",
    ]
    with zipfile.ZipFile(target) as archive:
        coco = json.loads(archive.read("car/car_coco.json"))
        assert [a["label"] for a in coco["annotations"]] == ["car: wheel", "car: door"]
        with Image.open(archive.open("car/car_masks/car_02_car_door.png")) as mask:
            values = np.asarray(mask)
        assert (values[:, 30:] == 255).all() and (values[:, :30] == 0).all()
        with Image.open(archive.open("car/car_cutouts/car_01_car_wheel.png")) as cut:
            assert (cut.mode, cut.size) == ("RGBA", (30, 40))
            original = np.asarray(Image.open(photo.path))[:, :30]
            assert (np.asarray(cut)[..., :3] == original).all()
        with Image.open(archive.open("car/car_labels.png")) as labels:
            assert np.unique(np.asarray(labels)).tolist() == [1, 2]
        with Image.open(archive.open("car/car_overlay.png")) as overlay:
            assert overlay.width > 60, "the legend is beside it"


def test_nothing_but_the_table_when_nothing_was_wanted(
    engine: Engine, tmp_path: Path, target: Path
) -> None:
    done_all(engine, [photo_file(tmp_path, "car.png")], target, wants=())
    assert names(target) == ["summary.csv"] and len(table(target)) == 2


def test_photos_of_one_name_have_folders_of_their_own(
    engine: Engine, tmp_path: Path, target: Path
) -> None:
    given = ["car.png", "CAR.jpg", "car_2.png", "car.png", "../../car.png", "summary.csv", "con"]
    photos = [photo_file(tmp_path, name, seed) for seed, name in enumerate(given)]
    done_all(engine, photos, target)
    folders = [name.split("/")[0] for name in names(target)[:-1]]
    assert len({folder.casefold() for folder in folders}) == len(given)
    assert folders[:4] == ["car", "CAR_3", "car_2", "car_4"]
    assert "summary.csv" not in folders and "con" not in folders
    for name in names(target)[:-1]:
        folder, file = name.split("/")
        assert file == f"{folder}_overlay.png" and ".." not in folder
    assert [row["photo"] for row in table(target)[::2]] == given


def test_no_cell_of_the_table_is_a_formula(engine: Engine, tmp_path: Path, target: Path) -> None:
    photos = [
        photo_file(tmp_path, "=cmd|' /C calc'!A0.png"),
        damaged_file(tmp_path, "+broken.png"),
        photo_file(tmp_path, "@x.png", 1),
    ]
    done_all(engine, photos, target, words='"=HYPERLINK(1)": "+1", "@sum"')
    rows = table(target)
    assert len(rows) == 5
    # Scores and pixels are our own numbers.
    for row in rows:
        for column in ("photo", "folder", "label", "object", "part", "error"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert rows[0]["photo"] == "'=cmd|' /C calc'!A0.png"
    assert rows[0]["object"].startswith("'=") and rows[0]["part"].startswith("'+")
    assert rows[2]["error"].startswith("'+broken.png is damaged")


def test_a_photo_without_parts_has_a_row(engine: Engine, tmp_path: Path, target: Path) -> None:
    events = done_all(engine, [photo_file(tmp_path, "sea.png")], target, words="unicorn: horn")
    (done,) = [e for e in events if isinstance(e, Done)]
    assert (done.parts, done.messages) == (0, ("No unicorn was found in the photo.",))
    (row,) = table(target)
    assert (row["photo"], row["label"], row["error"]) == ("sea.png", "", "")


def test_the_preview_is_small_and_in_colour(engine: Engine, tmp_path: Path, target: Path) -> None:
    events = done_all(engine, [photo_file(tmp_path, "big.png", 0, (2000, 300))], target)
    (done,) = [e for e in events if isinstance(e, Done)]
    with Image.open(io.BytesIO(done.preview)) as shown:
        assert shown.size == (batch.PREVIEW_SIDE, 154)


def test_no_zip_when_no_photo_was_done(engine: Engine, tmp_path: Path, target: Path) -> None:
    events = done_all(engine, [damaged_file(tmp_path, "x.png")], target)
    assert events[-1] == Finished(None, False)
    assert not list(target.parent.iterdir())


def test_what_nobody_foresaw_gets_a_number_and_the_others_go_on(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    whole = predictor.segment

    def segment(text: str, **rest: Any) -> Any:
        if len(predictor.encoded) == 1:
            raise RuntimeError("secret")
        return whole(text, **rest)

    predictor.segment = segment  # type: ignore[method-assign]
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(2)]
    events = done_all(engine, photos, target)
    (failed,) = [e for e in events if isinstance(e, Failed)]
    assert re.fullmatch(r"Something went wrong .*\(report [0-9a-f]{6}\)\.", failed.reason)
    assert isinstance(events[-1], Finished) and names(target)[0] == "1/1_overlay.png"


def test_a_full_disk_is_told_and_leaves_nothing(
    engine: Engine, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(InputError, match=r"^The ZIP cannot be written: No space left on device\.$"):
        done_all(engine, [photo_file(tmp_path, "x.png")], target)
    assert not list(target.parent.iterdir())


# Stopping


def test_a_stop_leaves_the_rest_and_keeps_what_is_finished(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(5)]
    stop = threading.Event()
    events: list[batch.Event] = []
    for event in batch.run(engine, photos, Order.read(WORDS, 0.5, ["coco"]), target, stop):
        events.append(event)
        if isinstance(event, Done) and event.index == 1:
            stop.set()
    assert events[-1] == Finished(target, True)
    assert len([e for e in events if isinstance(e, Done)]) == 2
    assert len(predictor.encoded) == 2, "no further photo is touched"
    assert names(target) == ["0/0_coco.json", "1/1_coco.json", "summary.csv"]
    left = table(target)[4:]
    assert [row["photo"] for row in left] == ["2.png", "3.png", "4.png"]
    assert {row["error"] for row in left} == {batch.NOT_REACHED}


def test_a_stop_ends_a_slow_photo_in_its_middle(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    predictor.steps, predictor.pause = 500, 0.01
    stop = threading.Event()
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(2)]
    shares = []
    for event in batch.run(engine, photos, Order.read("", 0.5, ["coco"]), target, stop):
        if isinstance(event, Working):
            shares.append(event.share)
            if event.share > 0.01:
                stop.set()
    assert event == Finished(None, True)
    assert max(shares) < 0.5 and len(predictor.encoded) == 1
    assert not list(target.parent.iterdir())


def test_a_stop_before_the_first_photo(engine: Engine, tmp_path: Path, target: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert done_all(engine, [photo_file(tmp_path, "x.png")], target, stop=stop) == [
        Finished(None, True)
    ]


def test_a_visitor_who_leaves_ends_it_and_no_file_stays(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(3)]
    stop = threading.Event()
    going = batch.run(engine, photos, Order.read(WORDS, 0.5, ["coco"]), target, stop)
    while not isinstance(next(going), Done):
        pass
    assert list(target.parent.iterdir()), "it is written while it goes on"
    going.close()  # type: ignore[attr-defined]
    assert not list(target.parent.iterdir()) and len(predictor.encoded) == 1


# The others


def test_the_photos_of_others_stay_encoded(
    predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    engine = Engine(lambda: predictor, 10_000)  # room for one
    own = images.read(photo_file(tmp_path, "own.png", 9).path)
    engine.encode(own)
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(3)]
    done_all(engine, photos, target)
    assert engine.known(own.digest) is not None
    assert all(engine.known(images.read(photo.path).digest) is None for photo in photos)
    assert len(predictor.encoded) == 4
    assert len(engine._answers) == 0


def test_a_photo_that_is_known_is_not_encoded_again(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    photo = photo_file(tmp_path, "x.png")
    engine.encode(images.read(photo.path))
    done_all(engine, [photo], target)
    assert len(predictor.encoded) == 1


def test_a_photo_beyond_the_apps_limit_is_refused(
    predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    engine = Engine(lambda: predictor, 2**26, max_megapixels=1)
    events = done_all(engine, [photo_file(tmp_path, "x.png", 0, (1001, 1000))], target)
    (failed,) = [e for e in events if isinstance(e, Failed)]
    assert "opens at most 1 megapixels" in failed.reason and predictor.encoded == []


# What is asked


def test_words_and_threshold_reach_the_model(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path
) -> None:
    order = Order.read(f" {WORDS}\n", 0.35, ["labels", "overlay"])
    assert order.wants == ("overlay", "labels")
    photos = [photo_file(tmp_path, "x.png")]
    list(batch.run(engine, photos, order, target, threading.Event()))
    assert predictor.asked == [("segment", {"text": WORDS, "threshold": 0.35})]


@pytest.mark.parametrize("words", ["", "  \n", None])
def test_without_words_everything_is_looked_for(
    engine: Engine, predictor: ScriptedPredictor, tmp_path: Path, target: Path, words: Any
) -> None:
    order = Order.read(words, 0.5, [])
    list(batch.run(engine, [photo_file(tmp_path, "x.png")], order, target, threading.Event()))
    assert predictor.asked[0] == ("everything", {"vocabulary": None})


@pytest.mark.parametrize(
    ("words", "threshold", "sentence"),
    [
        (" , ", 0.5, "There is no name to look for"),
        ("x" * 5000, 0.5, "at most 4000 are read"),
        (["wheel"], 0.5, "does not understand"),
        ("wheel", 0, "must lie between 0 and 1"),
        ("wheel", "0.5", "must lie between 0 and 1"),
        ("wheel", True, "must lie between 0 and 1"),
        ("wheel", float("nan"), "must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_asked_is_told(words: Any, threshold: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Order.read(words, threshold, ["overlay"])


@pytest.mark.parametrize(
    ("count", "sentence"),
    [(0, "There are no photos yet; drop some first."),
     (4, "There are 4 photos; at most 3 can be done in one go.")],
)  # fmt: skip
def test_how_many_photos_there_may_be(count: int, sentence: str) -> None:
    batch.check_count(3, 3)
    with pytest.raises(InputError) as told:
        batch.check_count(count, 3)
    assert str(told.value) == sentence
    known = strings.TRANSLATIONS["ko"]
    assert any(re.fullmatch(pattern, sentence) for pattern, _ in known)


# The page


@pytest.fixture
def page(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> batch_page.Batch:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return batch_page.Batch(engine, Stops(), 3)


def sent(*photos: Source) -> list[dict[str, Any]]:
    return [{"path": str(photo.path), "orig_name": photo.name} for photo in photos]


ASKED = (WORDS, 0.5, True, False, False, False, False)


def test_what_cannot_be_begun_is_said_at_once(page: batch_page.Batch, tmp_path: Path) -> None:
    photo = photo_file(tmp_path, "x.png")
    outside = Source(Path("/etc/passwd"), "x.png")
    for files, sentence in [
        (None, "no photos yet"),
        (sent(*[photo] * 4), "at most 3"),
        (sent(outside), "not on the server any more"),
        ([3], "does not understand"),
        ("x", "does not understand"),
    ]:
        board, token, *_, start, stop = page.begin(files, *ASKED)
        assert sentence in board["error"] and board["photos"] == [] and not board["go"]
        assert token == "" and start == stop == gr.skip()


def test_a_run_fills_the_table_and_the_gallery(page: batch_page.Batch, tmp_path: Path) -> None:
    files = sent(photo_file(tmp_path, "<b>a</b>.png"), damaged_file(tmp_path, "b.png"))
    board, token, gallery, *_ = page.begin(files, *ASKED)
    assert board["go"] == token and gallery == []
    assert [row["state"] for row in board["photos"]] == ["waiting", "waiting"]
    told = list(page.work(token, files, *ASKED))
    json.dumps([board for board, *_ in told])
    first, second = told[-1][0]["photos"]
    assert (first["name"], first["state"], first["parts"]) == ("<b>a</b>.png", "done", 2)
    assert (second["state"], second["notes"]) == (
        "failed",
        ["b.png is damaged or cut off and cannot be decoded."],
    )
    ((picture, caption),) = next(g for _, g, _ in told if isinstance(g, list))
    assert caption == "<b>a</b>.png" and Path(picture).is_file()
    (board, _, offered) = told[-1]
    assert board["stage"] == "finished"
    assert Path(offered.value["path"] if isinstance(offered.value, dict) else offered.value).name \
        == batch_page.ZIP  # fmt: skip


def test_a_run_that_was_stopped_says_so(page: batch_page.Batch, tmp_path: Path) -> None:
    files = sent(*[photo_file(tmp_path, f"{seed}.png", seed) for seed in range(3)])
    _, token, *_ = page.begin(files, *ASKED)
    page.stop("")
    states: list[list[str]] = []
    for board, *_ in page.work(token, files, *ASKED):
        states.append([row["state"] for row in board["photos"]])
        if states[-1][0] == "done":
            page.stop(token)
    assert board["stage"] == "stopped" and states[-1] == ["done", "left", "left"]


def test_one_visitors_stop_is_not_anothers(page: batch_page.Batch, tmp_path: Path) -> None:
    files = sent(photo_file(tmp_path, "x.png"))
    _, mine, *_ = page.begin(files, *ASKED)
    _, other, *_ = page.begin(files, *ASKED)
    page.stop(mine)
    assert [*page.work(other, files, *ASKED)][-1][0]["stage"] == "finished"
    assert [*page.work(mine, files, *ASKED)][-1][0]["stage"] == "stopped"


def test_a_model_that_cannot_be_loaded_is_told(page: batch_page.Batch, tmp_path: Path) -> None:
    def load() -> ScriptedPredictor:
        raise InputError("The checkpoint is damaged.")

    page.engine = Engine(load, 2**20)
    files = sent(photo_file(tmp_path, "x.png"))
    ((board, *_),) = page.work("t", files, *ASKED)
    assert board["error"] == "The checkpoint is damaged."
    assert [row["state"] for row in board["photos"]] == ["left"]


# Over HTTP


class Visitor:
    """One browser tab on the page."""

    def __init__(self, server: str, name: str) -> None:
        self.api = f"{server}/gradio_api"
        self.name = name
        config = httpx.get(f"{server}/config").json()
        self.events = {
            target[1]: entry
            for entry in config["dependencies"]
            for target in entry["targets"]
            if target[1] in ("go", "click")
        }

    def upload(self, *photos: Source) -> list[dict[str, Any]]:
        files = [("files", (p.path.name, p.path.read_bytes(), "image/png")) for p in photos]
        stored = httpx.post(f"{self.api}/upload", files=files).json()
        kind = {"_type": "gradio.FileData"}
        return [
            {"path": path, "orig_name": photo.name, "meta": kind}
            for path, photo in zip(stored, photos, strict=True)
        ]

    def ask(self, event: dict[str, Any], data: list[Any]) -> Iterator[dict[str, Any]]:
        body = {"fn_index": event["id"], "data": data, "session_hash": self.name}
        joined = httpx.post(f"{self.api}/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        with httpx.stream(
            "GET", f"{self.api}/queue/data", params={"session_hash": self.name}, timeout=60
        ) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line[5:])
                    yield message
                    if message["msg"] in ("process_completed", "close_stream"):
                        return


def test_a_run_over_http_gives_the_zip(server: str, tmp_path: Path) -> None:
    visitor = Visitor(server, "batch1")
    photos = [photo_file(tmp_path, f"{seed}.png", seed) for seed in range(3)]
    files = visitor.upload(*photos)
    seen = list(visitor.ask(visitor.events["go"], [None, files, *ASKED]))
    assert seen[-1]["msg"] == "process_completed" and seen[-1]["success"], seen[-1]
    texts = json.dumps(seen)
    found = re.findall(r'"url": "([^"]*partclipseg_batch\.zip)"', texts)
    assert found, texts[-2000:]
    content = httpx.get(found[-1] if found[-1].startswith("http") else server + found[-1]).content
    (tmp_path / "got.zip").write_bytes(content)
    assert (
        names(tmp_path / "got.zip")[-1] == "summary.csv" and len(table(tmp_path / "got.zip")) == 6
    )


def test_both_pages_are_served_and_the_second_is_no_endpoint(server: str) -> None:
    first, second = httpx.get(server).text, httpx.get(f"{server}/batch").text
    for text, shown, absent in ((first, "studio", "batch"), (second, "batch", "studio")):
        held = set(re.findall(r'"elem_id": ?"([\w-]+)"', text))
        assert shown in held and absent not in held
    assert "batch" not in " ".join(httpx.get(f"{server}/gradio_api/info").json()["named_endpoints"])


def test_many_photos_may_be_sent_at_once_and_a_large_one_not(server: str) -> None:
    """The server takes files of 1 MB, and requests of 2 MB that are no uploads."""
    many = [("files", (f"{n}.png", b"0" * 900_000, "image/png")) for n in range(4)]
    assert httpx.post(f"{server}/gradio_api/upload", files=many).status_code == 200
    large = {"files": ("big.png", b"0" * 1_100_000, "image/png")}
    assert httpx.post(f"{server}/gradio_api/upload", files=large).status_code == 413


# Strings and files for the browser


def test_both_languages_say_the_same_things() -> None:
    english, korean = strings.BATCH_LANGUAGES["en"], strings.BATCH_LANGUAGES["ko"]
    assert set(english) == set(korean)
    named = re.compile(r"\{(\w+)\}")
    for key in english:
        assert set(named.findall(english[key])) == set(named.findall(korean[key])), key
    same = {key for key in english if not re.search("[가-힣]", korean[key])}
    assert same == {"batch_words_hint", "batch_column_ms"}


def test_every_string_is_asked_for_and_there() -> None:
    code = (Path(batch_page.__file__)).read_text(encoding="utf-8")
    asked = set(re.findall(r'WORDS\("(\w+)"\)', code))
    asked |= {f"batch_{what}" for what in batch.WANTS}
    for page in ("batch-head.html", "batch-rows.html"):
        asked |= set(re.findall(r'data-(?:text|label)="(\w+)"', assets.template(page)))
    for entry in ("batch-head.mjs", "batch.mjs"):
        asked |= set(re.findall(r'\bt\("(batch_\w+)"', assets.script(entry)))
    asked |= {f"batch_{stage}" for stage in ("waiting", "finished", "stopped")}
    asked |= {f"batch_state_{s}" for s in ("waiting", "working", "done", "failed", "left")}
    assert asked == set(strings.BATCH)


def test_what_a_browser_gets_is_static_and_text_stays_text() -> None:
    for page in ("batch-head.html", "batch-rows.html"):
        assert not re.search(r"\$\{|\{\{|`|@children|<script", assets.template(page))
    script = assets.script("batch.mjs") + assets.script("batch-head.mjs")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", script)


def test_the_number_of_photos_is_a_setting() -> None:
    assert "max_batch" in {field.name for field in fields(studio.Settings)}
    given = studio.Settings.from_environment({"PARTCLIPSEG_MAX_BATCH": "7"})
    assert given == replace(studio.Settings(), max_batch=7)
