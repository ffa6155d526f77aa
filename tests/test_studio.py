"""The studio without a browser: what may be sent, what comes back, what is kept."""

import json
import re
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from pycocotools.coco import COCO
from scripted_studio import ScriptedPredictor

from partclipseg import images, prompts, studio
from partclipseg.errors import InputError
from partclipseg.results import PartMask, Segmentation
from partclipseg.studio import assets, examples, strings, wire
from partclipseg.studio.asks import Ask, uploaded
from partclipseg.studio.cache import BoundedCache
from partclipseg.studio.engine import Engine
from partclipseg.studio.events import Handlers, Message
from partclipseg.studio.session import Session

TEXT = {"kind": "text", "text": "car: wheel, door"}


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def photo_file(folder: Path, seed: int = 0, size: tuple[int, int] = (80, 60)) -> Path:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    path = folder / f"photo{seed}.png"
    Image.fromarray(noise).save(path)
    return path


class Visitor:
    """One browser: sends events, keeps the session that comes back."""

    def __init__(self, handlers: Handlers) -> None:
        self.handlers = handlers
        self.session = Session()
        self.photo = ""
        self.stages: list[str] = []

    def send(self, name: str, **payload: Any) -> Message:
        event = gr.EventData(None, {"seq": 7, **payload})
        if name in ("open_photo", "segment_photo"):
            *stages, (message, self.session) = getattr(self.handlers, name)(self.session, event)
            self.stages = [stage["stage"] for stage, _ in stages]
        else:
            message, self.session = getattr(self.handlers, name)(self.session, event)
        assert message["seq"] == 7
        json.dumps(message)
        return message

    def open(self, path: Path, name: str | None = None) -> Message:
        message = self.send("open_photo", source={"path": str(path), "name": name})
        self.photo = message.get("photo", {}).get("id", "")
        return message

    def ask(self, **ask: Any) -> Message:
        return self.send("segment_photo", photo=self.photo, ask=ask)


@pytest.fixture
def predictor() -> ScriptedPredictor:
    return ScriptedPredictor()


@pytest.fixture
def handlers(predictor: ScriptedPredictor, uploads: Path) -> Handlers:
    gallery = {example.id: example for example in examples.read()}
    return Handlers(Engine(lambda: predictor, 2**26), gallery)


@pytest.fixture
def visitor(handlers: Handlers) -> Visitor:
    return Visitor(handlers)


# Settings


def test_settings_have_defaults_and_read_the_environment() -> None:
    assert studio.Settings.from_environment({}) == studio.Settings()
    given = {"PARTCLIPSEG_MODEL": "other", "PARTCLIPSEG_CACHE_MB": " 64 "}
    assert studio.Settings.from_environment(given) == studio.Settings(model="other", cache_mb=64)


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5", "١٢"])
def test_a_wrong_number_in_the_environment_is_named(value: str) -> None:
    with pytest.raises(InputError, match="PARTCLIPSEG_QUEUE_SIZE"):
        studio.Settings.from_environment({"PARTCLIPSEG_QUEUE_SIZE": value})


# What may be sent


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        {},
        {"kind": "delete"},
        {"kind": "text", "text": 3},
        {"kind": "prompts", "points": "1,2"},
        {"kind": "prompts", "points": [[1, 2]]},
        {"kind": "prompts", "points": [[1, 2, "x"]]},
        {"kind": "prompts", "points": [[float("nan"), 2, 1]]},
        {"kind": "prompts", "points": [[1, 2, True]]},
        {"kind": "prompts", "points": [[1, 2, 1]] * 1001},
        {"kind": "prompts", "boxes": [[1, 2, 3]]},
        {"kind": "text", "text": "x" * 5000},
        {"kind": "prompts", "mask": "all"},
        {"kind": "prompts", "mask": {"size": [2, 2], "counts": "03"}},
        {"kind": "prompts", "mask": {"size": [2, 2], "counts": "é"}},
        {"kind": "prompts", "mask": {"size": [2], "counts": "04"}},
        {"kind": "prompts", "mask": {"size": [99999, 2], "counts": "04"}},
        {"kind": "prompts", "mask": {"size": [0.5, 2], "counts": "04"}},
    ],
)
def test_a_malformed_question_is_an_input_error(payload: Any) -> None:
    with pytest.raises(InputError):
        Ask.read(payload)


def test_equal_questions_are_equal() -> None:
    payload = {"kind": "prompts", "points": [[1.5, 2, 1]], "boxes": [[0, 0, 5, 5]], "text": " a "}
    assert Ask.read(payload) == Ask.read(json.loads(json.dumps(payload)))
    assert hash(Ask.read(payload)) == hash(Ask.read(payload))
    assert Ask.read(payload).text == "a"


def test_only_uploaded_files_are_read(uploads: Path, tmp_path: Path) -> None:
    inside = photo_file(uploads)
    outside = photo_file(tmp_path, 1)
    (uploads / "link.png").symlink_to(outside)
    assert uploaded(str(inside)) == inside.resolve()
    for path in (outside, uploads / "link.png", uploads / ".." / outside.name, uploads / "none"):
        with pytest.raises(InputError, match="choose it again"):
            uploaded(str(path))
    for value in (None, 3, {"path": str(inside)}, "a\0b"):
        with pytest.raises(InputError):
            uploaded(value)


# What is kept


def test_the_cache_stays_within_its_weight_and_forgets_the_oldest() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(10, len)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    assert cache.get("a") == b"1234"
    cache.put("c", b"1234")
    assert cache.get("b") is None
    assert cache.get("a") is not None
    cache.put("a", b"12")
    assert (cache.weight, len(cache)) == (6, 2)
    cache.put("huge", b"x" * 99)
    assert len(cache) == 1 and cache.get("huge") is not None


def test_the_model_is_loaded_once_however_many_ask() -> None:
    loads: list[int] = []
    gate = threading.Event()

    def load() -> ScriptedPredictor:
        loads.append(1)
        gate.wait(5)
        return ScriptedPredictor()

    engine = Engine(load, 2**20)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(engine.predictor) for _ in range(8)]
        gate.set()
        assert len({id(future.result()) for future in asked}) == 1
    assert len(loads) == 1


def test_a_model_that_cannot_be_loaded_is_told_to_whoever_asks(uploads: Path) -> None:
    def load() -> ScriptedPredictor:
        raise InputError("The checkpoint is damaged.")

    visitor = Visitor(Handlers(Engine(load, 2**20), {}))
    assert visitor.open(photo_file(uploads))["error"]["message"] == "The checkpoint is damaged."


def test_a_photo_is_encoded_once_for_all_visitors(
    handlers: Handlers, predictor: ScriptedPredictor, uploads: Path
) -> None:
    first, second = Visitor(handlers), Visitor(handlers)
    path = photo_file(uploads)
    assert first.open(path)["timings"]["encode"] > 0
    assert first.stages == ["loading_model", "encoding"]
    assert second.open(Path(shutil.copy(path, uploads / "copy.png")))["timings"]["encode"] == 0
    assert second.stages == []
    assert len(predictor.encoded) == 1


def test_a_photo_that_the_cache_let_go_is_encoded_again(
    predictor: ScriptedPredictor, uploads: Path
) -> None:
    handlers = Handlers(Engine(lambda: predictor, 20_000), {})  # room for one
    first, second = Visitor(handlers), Visitor(handlers)
    first.open(photo_file(uploads, 0))
    second.open(photo_file(uploads, 1))
    assert len(first.ask(**TEXT)["parts"]) == 2
    assert len(predictor.encoded) == 3


# Events


def test_an_example_comes_with_its_words(visitor: Visitor) -> None:
    message = visitor.send("open_photo", source={"example": "truck"})
    photo = message["photo"]
    assert (photo["name"], photo["width"], photo["height"]) == ("truck", 1024, 683)
    assert "wheel" in photo["prompt"]
    assert Path(photo["file"]["path"]).is_file()


def test_an_uploaded_photo_keeps_the_name_it_had_at_home(visitor: Visitor, uploads: Path) -> None:
    message = visitor.open(photo_file(uploads), "Mein Büro <1>.JPG")
    assert message["photo"]["name"] == "Mein Büro <1>"
    assert message["photo"]["prompt"] == ""


def test_a_phone_photo_stands_upright(visitor: Visitor, uploads: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40), "red").save(uploads / "phone.jpg", exif=exif)
    photo = visitor.open(uploads / "phone.jpg")["photo"]
    assert (photo["width"], photo["height"]) == (40, 60)
    with Image.open(photo["file"]["path"]) as shown:
        assert shown.size == (40, 60)


def test_a_huge_photo_is_shown_smaller_and_asked_in_its_own_pixels(
    visitor: Visitor, uploads: Path
) -> None:
    path = photo_file(uploads, 3, (3000, 1500))
    photo = visitor.open(path)["photo"]
    assert (photo["width"], photo["height"]) == (3000, 1500)
    with Image.open(photo["file"]["path"]) as shown:
        assert shown.size == (wire.PHOTO_SIDE, wire.PHOTO_SIDE // 2)
    part = visitor.ask(kind="prompts", points=[[2900.5, 1400.5, 1]])["parts"][0]
    assert part["rle"]["size"] == [wire.MASK_SIDE // 2, wire.MASK_SIDE]
    mask = decoded(part)
    rows, columns = np.nonzero(mask)
    assert columns.max() == mask.shape[1] - 1 and rows.min() > mask.shape[0] // 2


@pytest.mark.parametrize(
    "source",
    [None, {}, {"example": "nothing"}, {"example": 3}, {"path": "/etc/passwd"}, {"path": None}],
)
def test_a_wrong_source_leaves_the_old_photo(visitor: Visitor, uploads: Path, source: Any) -> None:
    visitor.open(photo_file(uploads))
    before = visitor.session
    error = visitor.send("open_photo", source=source)["error"]["message"]
    assert error and "passwd" not in error
    assert visitor.session == before
    assert visitor.ask(**TEXT)["parts"]


def test_a_file_that_is_no_photo_is_told_in_one_sentence(visitor: Visitor, uploads: Path) -> None:
    (uploads / "x.png").write_text("not a picture")
    error = visitor.open(uploads / "x.png", "x.png")["error"]["message"]
    assert "not a photo" in error
    assert "Traceback" not in error and str(uploads) not in error


def test_words_find_parts(visitor: Visitor, uploads: Path) -> None:
    visitor.open(photo_file(uploads))
    message = visitor.ask(**TEXT)
    assert [part["label"] for part in message["parts"]] == ["car: wheel", "car: door"]
    first = message["parts"][0]
    assert first["share"] == 0.5
    assert re.fullmatch("#[0-9a-f]{6}", first["colour"])
    assert decoded(first)[:, :40].all()
    assert message["timings"]["decode"] >= 0


def test_what_was_not_found_is_said(visitor: Visitor, uploads: Path) -> None:
    visitor.open(photo_file(uploads))
    message = visitor.ask(kind="text", text="unicorn: horn")
    assert message["parts"] == []
    assert message["messages"] == ["No unicorn was found in the photo."]


def test_clicks_and_boxes_reach_the_model_as_they_are(
    visitor: Visitor, predictor: ScriptedPredictor, uploads: Path
) -> None:
    visitor.open(photo_file(uploads))
    points = [[10.25, 20.5, 1], [70, 50, 0]]
    visitor.ask(kind="prompts", points=points, boxes=[[1, 2, 30, 40]], text="wheel")
    asked = predictor.asked[-1][1]
    assert asked["points"] == [(10.25, 20.5), (70, 50)]
    assert asked["point_labels"] == [1, 0]
    assert asked["boxes"] == [(1, 2, 30, 40)]
    assert asked["text"] == "wheel"


def test_a_painted_mask_reaches_the_model_at_the_photos_size(
    visitor: Visitor, predictor: ScriptedPredictor, uploads: Path
) -> None:
    photo = visitor.open(photo_file(uploads, 3, (3000, 1500)))["photo"]
    assert photo["grid"] == [wire.MASK_SIDE // 2, wire.MASK_SIDE]
    painted = np.zeros(photo["grid"], bool)
    painted[:, 640:] = True
    rle = PartMask.from_mask(painted, label="x").rle
    (part,) = visitor.ask(kind="prompts", mask=rle)["parts"]
    mask = predictor.asked[-1][1]["mask"]
    assert mask.shape == (1500, 3000)
    assert mask[:, 1500:].all() and not mask[:, :1500].any()
    assert part["rle"] == rle


def test_the_same_question_is_answered_from_memory(
    visitor: Visitor, predictor: ScriptedPredictor, uploads: Path
) -> None:
    visitor.open(photo_file(uploads))
    assert visitor.ask(**TEXT)["parts"] == visitor.ask(**TEXT)["parts"]
    assert len(predictor.asked) == 1


@pytest.mark.parametrize(
    ("ask", "part_of_sentence"),
    [
        ({"kind": "text", "text": ","}, "name"),
        ({"kind": "prompts", "points": [[500, 5, 1]]}, "outside"),
        ({"kind": "prompts", "points": [[5, 5, 1]] * 201}, "200"),
        ({"kind": "nonsense"}, "reload"),
    ],
)
def test_a_bad_prompt_is_a_sentence_and_keeps_the_session(
    visitor: Visitor, uploads: Path, ask: Any, part_of_sentence: str
) -> None:
    visitor.open(photo_file(uploads))
    before = visitor.session
    assert part_of_sentence in visitor.ask(**ask)["error"]["message"]
    assert visitor.session == before


def test_a_photo_that_the_session_does_not_have_is_asked_for_again(visitor: Visitor) -> None:
    visitor.photo = "0" * 64
    assert visitor.ask(**TEXT)["error"]["code"] == "photo_gone"


def test_an_unexpected_error_is_logged_and_told_by_its_number(
    visitor: Visitor, predictor: ScriptedPredictor, uploads: Path, monkeypatch, caplog
) -> None:
    visitor.open(photo_file(uploads))

    def fail(*_: Any, **__: Any) -> Segmentation:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(predictor, "segment", fail)
    error = visitor.ask(**TEXT)["error"]["message"]
    assert "secret" not in error
    number = re.search(r"report (\w+)", error)
    assert number and f"report {number[1]}" in caplog.text and "secret detail" in caplog.text


def test_two_visitors_do_not_mix(handlers: Handlers, uploads: Path) -> None:
    """Different photos, the same question, many times at once."""
    visitors = [Visitor(handlers), Visitor(handlers)]
    sizes = [(80, 60), (60, 90)]
    for seed, (visitor, size) in enumerate(zip(visitors, sizes, strict=True)):
        visitor.open(photo_file(uploads, seed, size))

    def ask(turn: int) -> tuple[int, list[int]]:
        who = turn % 2
        part = visitors[who].ask(kind="text", text=f"wheel{turn // 2}")["parts"][0]
        return who, part["rle"]["size"]

    with ThreadPoolExecutor(8) as pool:
        for who, (height, width) in pool.map(ask, range(40)):
            assert (width, height) == sizes[who]


def test_a_session_holds_no_pixels(visitor: Visitor, uploads: Path) -> None:
    visitor.open(photo_file(uploads, 0, (400, 400)))
    visitor.ask(**TEXT)
    assert len(repr(visitor.session)) < 1000


# Downloads


def saved(visitor: Visitor, what: str, keep: list[int], **more: Any) -> Message:
    layers = [{"sources": [[0, index]]} for index in keep]
    return visitor.send(
        "save_result",
        **{"photo": visitor.photo, "what": what, "runs": [TEXT], "layers": layers, **more},
    )


def test_the_overlay_is_a_png_named_after_the_photo(visitor: Visitor, uploads: Path) -> None:
    visitor.open(photo_file(uploads), "My car.png")
    file = saved(visitor, "overlay", [0, 1], opacity=0.4)["file"]
    assert file["orig_name"] == "My_car_overlay.png"
    with Image.open(file["path"]) as picture:
        assert picture.format == "PNG"
        assert picture.width > 80, "the legend stands beside the photo"


def test_the_coco_file_is_read_by_pycocotools(
    visitor: Visitor, uploads: Path, tmp_path: Path
) -> None:
    visitor.open(photo_file(uploads), "car.png")
    file = saved(visitor, "coco", [1])["file"]
    assert file["orig_name"] == "car_coco.json"
    data = COCO(file["path"])
    (annotation,) = data.loadAnns(data.getAnnIds())
    assert data.loadCats(annotation["category_id"])[0]["name"] == "door"
    mask = data.annToMask(annotation)
    assert mask.shape == (60, 80) and mask[:, 40:].all() and not mask[:, :40].any()


@pytest.mark.parametrize(
    ("what", "layers"),
    [
        ("overlay", []),
        ("overlay", [{"sources": [[0, 9]]}]),
        ("overlay", [{"sources": [[3, 0]]}]),
        ("overlay", [{"sources": [[0, -1]]}]),
        ("overlay", [{"sources": [[0, True]]}]),
        ("overlay", [{"sources": []}]),
        ("overlay", [{}]),
        ("overlay", [{"sources": [[0, 0]], "label": " "}]),
        ("overlay", [{"sources": [[0, 0]], "colour": "red"}]),
        ("../x", [{"sources": [[0, 0]]}]),
        ("coco", "all"),
    ],
)
def test_nothing_to_save_is_a_sentence(
    visitor: Visitor, uploads: Path, what: str, layers: Any
) -> None:
    visitor.open(photo_file(uploads))
    assert saved(visitor, what, [], layers=layers)["error"]["message"].endswith(".")


def test_names_colours_and_merges_of_the_visitor_are_in_the_file(
    visitor: Visitor, uploads: Path
) -> None:
    visitor.open(photo_file(uploads), "car.png")
    text = {"kind": "text", "text": "car: wheel, door, hood, roof"}
    layers = [
        {"sources": [[0, 3]], "label": "bike: bell", "colour": "#123456"},
        {"sources": [[0, 2], [0, 0]], "label": "frame", "colour": "#abcdef"},
    ]
    file = saved(visitor, "coco", [], runs=[text], layers=layers)["file"]
    data = json.loads(Path(file["path"]).read_text())
    assert [(c["supercategory"], c["name"]) for c in data["categories"]] == [
        ("bike", "bell"),
        ("", "frame"),
    ]
    bell, frame = data["annotations"]
    assert bell["colour"] == "#123456" and bell["similarity"] is None
    assert bell["area"] == 20 * 60 and frame["area"] == 2 * 20 * 60
    mask = decoded(frame)
    assert mask[:, :20].all() and mask[:, 40:60].all() and not mask[:, 20:40].any()


# Files for the browser


def test_the_template_is_static() -> None:
    """Gradio compiles templates: nothing in ours may look like code."""
    assert not re.search(r"\$\{|\{\{|`|@children|<script", assets.template())


ENTRIES = ("main.mjs", "batch.mjs", "batch-head.mjs")


def test_no_module_is_left_over() -> None:
    used = {name for entry in ENTRIES for name in assets.modules(entry)}
    assert used == {module.name for module in assets.FOLDER.glob("*.mjs")}


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_joined_script_has_every_module_once_and_is_valid(tmp_path: Path, entry: str) -> None:
    script = assets.script(entry)
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    for module in map(assets.FOLDER.joinpath, assets.modules(entry)):
        for name in re.findall(r"^export (?:function|const) (\w+)", module.read_text(), re.M):
            pattern = rf"^(?:function|const) {name}\b"
            assert len(re.findall(pattern, script, re.M)) == 1, name
    function = f"function f(element, trigger, props, server, upload, watch) {{\n{script}\n}}"
    (tmp_path / "joined.js").write_text(function)
    checked = subprocess.run(
        ["node", "--check", tmp_path / "joined.js"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_user_text_never_becomes_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", assets.script())


def test_nothing_is_fetched_from_elsewhere() -> None:
    for text in (assets.template(), assets.script(), assets.styles()):
        found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", text)
        assert all(
            url.endswith("w3.org/2000/svg") or "github.com/cocodataset" in url for url in found
        )


def test_every_string_that_is_asked_for_is_there() -> None:
    asked = set(re.findall(r'data-(?:text|title|label|hint)="(\w+)"', assets.template()))
    script = assets.script()
    asked |= set(re.findall(r'\bt\("(\w+)"', script))
    for either in re.findall(r'\bt\([^()]*\? "(\w+)" : "(\w+)"', script):
        asked |= set(either)
    asked |= {f"preset_{key}" for key in strings.PRESETS}
    asked |= {f"example_{example.id}" for example in examples.read()}
    asked |= set(strings.STAGES)
    assert asked <= set(strings.ENGLISH)
    unused = {
        key
        for key in strings.ENGLISH
        if key not in asked and f'"{key}"' not in script and not key.startswith(("does_", "grain_"))
    }
    assert not unused


def test_both_languages_say_the_same_things() -> None:
    english, korean = strings.LANGUAGES["en"], strings.LANGUAGES["ko"]
    assert set(english) == set(korean)
    for key in english:
        assert korean[key].strip()
        named = re.compile(r"\{(\w+)\}")
        assert set(named.findall(english[key])) == set(named.findall(korean[key])), key
    hangul = [key for key in korean if re.search("[가-힣]", korean[key])]
    same = set(english) - set(hangul)
    assert same == {
        "language", "words_hint", "column_iou", "save_coco", "copy_python", "copy_client",
        "copy_curl",
    }  # fmt: skip


def test_the_servers_sentences_are_known_in_korean() -> None:
    said = [
        "No unicorn was found in the photo.",
        "Not found: car: wheel, door.",
        "No clear region was found.",
        *prompts.parse("wheel, wheel").notes,
        *prompts.parse("x" * 99).notes,
        *prompts.parse(", ".join(f"name {n}" for n in range(101))).notes,
        strings.UNEXPECTED.format(number="a1b2c3"),
    ]
    for ask, given in ((prompts.parse, " , "), (uploaded, "/nowhere")):
        with pytest.raises(InputError) as told:
            ask(given)
        said.append(str(told.value))
    for sentence in said:
        known = strings.TRANSLATIONS["ko"]
        assert any(re.fullmatch(pattern, sentence) for pattern, _ in known), sentence


def test_examples_have_files_words_and_licences() -> None:
    gallery = examples.read()
    assert len({example.id for example in gallery}) == len(gallery) == 9
    notes = (examples.FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    for example in gallery:
        assert example.path.is_file() and example.path.name in notes
        assert example.prompt and example.licence and example.source
        images.read(example.path)
        assert example.card()["thumbnail"].startswith("data:image/jpeg;base64,")


# Endpoints


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


def decoded(part: Any) -> np.ndarray:
    rle = part.get("rle") or part["segmentation"]
    return PartMask(
        label="", object=None, part=None, similarity=None, probability=None, predicted_iou=None,
        bbox=(0, 0, 0, 0), area=0, colour="#000000", rle=rle,
    ).mask  # fmt: skip


def test_words_by_program(client: Client, tmp_path: Path) -> None:
    photo = handle_file(str(photo_file(tmp_path)))
    answer = client.predict(photo=photo, text="car: wheel, door", api_name="/segment_text")
    assert [part["label"] for part in answer["parts"]] == ["car: wheel", "car: door"]
    assert decoded(answer["parts"][0]).shape == (60, 80)
    assert Segmentation.from_json(answer).image == "photo0"


def test_clicks_by_program(client: Client, tmp_path: Path) -> None:
    answer = client.predict(
        photo=handle_file(str(photo_file(tmp_path))),
        points=[[40, 30, 1]],
        api_name="/segment_prompts",
    )
    assert [part["granularity"] for part in answer["parts"]] == ["part", "whole", "subpart"]
    assert decoded(answer["parts"][0])[30, 40]


def test_everything_by_program(client: Client, tmp_path: Path) -> None:
    photo = handle_file(str(photo_file(tmp_path)))
    answer = client.predict(photo=photo, api_name="/everything")
    assert len(answer["parts"]) == 2


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("/segment_prompts", {"points": [[1, 2]]}, "wrong form"),
        ("/segment_prompts", {"points": [[900, 2, 1]]}, "outside"),
        ("/segment_prompts", {}, "no prompt"),
        ("/segment_text", {"text": " , "}, "name"),
    ],
)
def test_a_program_is_told_what_is_wrong(
    client: Client, tmp_path: Path, endpoint: str, arguments: Any, sentence: str
) -> None:
    photo = handle_file(str(photo_file(tmp_path)))
    with pytest.raises(Exception, match=sentence):
        client.predict(photo=photo, **arguments, api_name=endpoint)


def test_a_program_cannot_read_the_servers_files(server: str, tmp_path: Path) -> None:
    secret = photo_file(tmp_path)
    call = f"{server}/gradio_api/call/segment_text"
    for photo in (str(secret), {"path": str(secret)}, {"path": "http://127.0.0.1/x.png"}, None):
        posted = httpx.post(call, json={"data": [photo, "wheel"]})
        assert posted.status_code == 200
        answer = httpx.get(f"{call}/{posted.json()['event_id']}", timeout=20).text
        assert "event: error" in answer and "counts" not in answer


def test_only_the_endpoints_are_public(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == {
        "/segment_text", "/segment_prompts", "/everything", "/label", "/heatmap",
    }  # fmt: skip


def test_the_server_tells_no_more_than_it_must(server: str) -> None:
    assert httpx.get(f"{server}/monitoring").status_code in (403, 404)
    config = httpx.get(f"{server}/config").json()
    assert config["analytics_enabled"] is False
    page = httpx.get(server).text
    assert str(Path(__file__).resolve().parents[1]) not in page


def test_too_large_an_upload_is_refused(server: str) -> None:
    answer = httpx.post(
        f"{server}/gradio_api/upload", files={"files": ("big.png", b"0" * 2**21, "image/png")}
    )
    assert answer.status_code == 413
