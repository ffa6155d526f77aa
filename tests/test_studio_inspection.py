"""The drawer without a browser: heat maps, plots, names for a part, code, the model."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from PIL import Image
from scripted_studio import ScriptedPredictor

from partclipseg.studio import strings
from partclipseg.studio.about import about
from partclipseg.studio.engine import Engine
from partclipseg.studio.events import Handlers, Message
from partclipseg.studio.examples import read
from partclipseg.studio.inspection import Inspection
from partclipseg.studio.once import Once
from partclipseg.studio.session import Session
from partclipseg.studio.snippets import LANGUAGES
from partclipseg.studio.tasks import Progress

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

EVENTS = ("show_heat_maps", "plot_result", "guess_name", "copy_code", "tell_about")
TEXT = {"kind": "text", "text": "car: wheel, door"}
BOTH = {"runs": [TEXT], "layers": [{"sources": [[0, 0]]}, {"sources": [[0, 1]]}]}
CODE = {**BOTH, "language": "python", "granularity": "", "sure": 0, "address": "http://host:1/"}


class Visitor:
    """One browser with an open photo."""

    def __init__(self, engine: Engine) -> None:
        self.handlers = Handlers(engine, {example.id: example for example in read()})
        self.inspection = Inspection(engine, self.handlers.stops, "scripted")
        self.session = Session()
        self.photo = ""
        self.shares: list[float] = []

    def open(self, **source: Any) -> None:
        event = gr.EventData(None, {"seq": 1, "source": source})
        *_, (message, self.session) = self.handlers.open_photo(self.session, event)
        self.photo = message["photo"]["id"]

    def send(self, name: str, **payload: Any) -> Message:
        told = self.told(name, {"seq": 7, "photo": self.photo, **payload})
        assert told["seq"] == 7
        json.dumps(told, allow_nan=False)
        return told

    def told(self, name: str, payload: Any) -> Message:
        """The last message; before it only shares of the work, and the session stays."""
        answer = getattr(self.inspection, name)(self.session, gr.EventData(None, payload))
        messages = list(answer) if isinstance(answer, Iterator) else [answer]
        assert all(session is self.session for _, session in messages)
        self.shares = [message["share"] for message, _ in messages[:-1]]
        return messages[-1][0]


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


@pytest.fixture
def predictor() -> ScriptedPredictor:
    return ScriptedPredictor()


@pytest.fixture
def engine(predictor: ScriptedPredictor) -> Engine:
    return Engine(lambda: predictor, 2**26)


@pytest.fixture
def visitor(engine: Engine, uploads: Path) -> Visitor:
    path = uploads / "stored.png"
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(path)
    visitor = Visitor(engine)
    visitor.open(path=str(path), name="My car.PNG")
    return visitor


def asked(predictor: ScriptedPredictor, kind: str) -> list[dict[str, Any]]:
    return [arguments for name, arguments in predictor.asked if name == kind]


def picture(file: dict[str, Any], uploads: Path) -> Image.Image:
    path = Path(file["path"])
    assert path.is_relative_to(uploads), "Gradio serves files from there"
    with Image.open(path) as opened:
        assert opened.format == "PNG"
        return opened.convert("RGB")


# Heat maps


def test_every_name_gets_a_picture_with_its_cosines(visitor: Visitor, uploads: Path) -> None:
    maps = visitor.send("show_heat_maps", text="car: wheel, door")["maps"]
    assert [(m["label"], m["low"], m["high"]) for m in maps] == [
        ("car: wheel", 0, pytest.approx(0.1)),
        ("car: door", 0, pytest.approx(0.2)),
    ]
    assert [m["file"]["orig_name"] for m in maps] == [
        "My_car_heatmap_car_wheel.png",
        "My_car_heatmap_car_door.png",
    ]
    first, second = (np.asarray(picture(m["file"], uploads)) for m in maps)
    assert first.shape != second.shape or (first != second).any()
    assert visitor.shares == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no name"),
        (", ".join(f"name {n}" for n in range(13)), "at most 12 heat maps"),
        ("x" * 5000, "5000 characters"),
        (None, "reload"),
    ],
)
def test_words_without_a_map_are_a_sentence(visitor: Visitor, text: Any, sentence: str) -> None:
    assert sentence in visitor.send("show_heat_maps", text=text)["error"]["message"]


def test_maps_that_nobody_waits_for_are_not_drawn(
    visitor: Visitor, predictor: ScriptedPredictor
) -> None:
    visitor.handlers.stops.of("mine").set()
    assert visitor.send("show_heat_maps", text="wheel", token="mine") == {"stopped": True, "seq": 7}
    assert asked(predictor, "similarity") == []


# Plots


def test_plots_are_of_what_is_shown(
    visitor: Visitor, predictor: ScriptedPredictor, uploads: Path
) -> None:
    layers = [{"sources": [[0, 1]], "label": "hatch", "colour": "#123456"}]
    message = visitor.send("plot_result", runs=[TEXT], layers=layers, text=TEXT["text"])
    areas, matrix = message["plots"]
    assert [areas["kind"], matrix["kind"], message["messages"]] == ["areas", "similarities", []]
    bars = np.asarray(picture(areas["file"], uploads))
    assert (bars == (0x12, 0x34, 0x56)).all(-1).sum() > 1000, "a bar in the layer's colour"
    assert picture(matrix["file"], uploads).width > 100
    (question,) = asked(predictor, "label")
    (mask,) = question["masks"]
    assert mask[:, 40:].all() and not mask[:, :40].any()
    assert question["names"] == ['"car": "wheel"', '"car": "door"']


def test_without_words_parts_are_compared_with_everyday_names(
    visitor: Visitor, predictor: ScriptedPredictor
) -> None:
    click = {"kind": "prompts", "points": [[40, 30, 1]]}
    layers = [{"sources": [[0, 0]]}]
    message = visitor.send("plot_result", runs=[click], layers=layers, text="")
    assert len(message["plots"]) == 2
    assert len(asked(predictor, "label")[0]["names"]) > 100


def test_areas_are_drawn_where_names_cannot_be_compared(visitor: Visitor) -> None:
    message = visitor.send("plot_result", **BOTH, text="-hubcap")
    assert [plot["kind"] for plot in message["plots"]] == ["areas"]
    assert message["messages"][0].endswith(".")


def test_no_part_no_plot(visitor: Visitor) -> None:
    message = visitor.send("plot_result", runs=[TEXT], layers=[], text="")
    assert "find or show a part" in message["error"]["message"]


# What is this?


def test_names_for_the_mask_of_the_layer(visitor: Visitor, predictor: ScriptedPredictor) -> None:
    message = visitor.send("guess_name", **BOTH)
    assert message["names"][0] == {"label": "hubcap", "similarity": 0.62, "probability": 0.5}
    assert [name["label"] for name in message["objects"]] == ["car", "truck"]
    assert [name["label"] for name in message["parts"]] == ["car: wheel", "car", "truck: tyre"]
    assert message["count"] > 20_000
    (question,) = asked(predictor, "what_is")
    assert question["mask"][:, :40].all() and not question["mask"][:, 40:].any()


def test_merged_layers_are_named_as_one(visitor: Visitor, predictor: ScriptedPredictor) -> None:
    visitor.send("guess_name", runs=[TEXT], layers=[{"sources": [[0, 0], [0, 1]], "label": "x"}])
    assert asked(predictor, "what_is")[0]["mask"].all()


def test_the_vocabulary_is_read_once_and_its_progress_told(
    visitor: Visitor, predictor: ScriptedPredictor
) -> None:
    predictor.steps, predictor.pause = 4, 0.2
    visitor.send("guess_name", **BOTH)
    assert len(visitor.shares) > 1 and visitor.shares == sorted(visitor.shares)
    visitor.send("guess_name", **BOTH)
    assert len(asked(predictor, "prepare_names")) == 1
    assert len(asked(predictor, "what_is")) == 2


def test_names_that_cannot_be_read_are_told_and_read_anew(
    visitor: Visitor, predictor: ScriptedPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(progress: Progress) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(predictor, "prepare_names", fail)
    error = visitor.send("guess_name", **BOTH)["error"]["message"]
    assert "report" in error and "secret" not in error
    monkeypatch.undo()
    assert visitor.send("guess_name", **BOTH)["names"]


def test_no_layer_is_a_sentence(visitor: Visitor) -> None:
    for layers in ([], [{"sources": [[0, 9]]}]):
        message = visitor.send("guess_name", runs=[TEXT], layers=layers)
        assert message["error"]["message"].endswith(".")


# Work that is done once


def test_all_who_wait_wait_for_the_same_work() -> None:
    gate, begun = threading.Event(), []

    def work(progress: Progress) -> None:
        begun.append(1)
        gate.wait(20)

    once = Once(work)
    with ThreadPoolExecutor(4) as pool:
        waits = [pool.submit(once.wait, lambda share: None) for _ in range(4)]
        gate.set()
        for waited in waits:
            waited.result()
    assert len(begun) == 1


def test_who_leaves_does_not_stop_it_for_the_others() -> None:
    gate, done = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        progress(0.5)
        gate.wait(20)
        done.set()

    def leave(share: float) -> None:
        raise InterruptedError

    once = Once(work)
    with pytest.raises(InterruptedError):
        once.wait(leave)
    gate.set()
    once.wait(lambda share: None)
    assert done.is_set()


# Code


@pytest.mark.parametrize("language", LANGUAGES)
def test_code_names_the_photo_as_at_home_and_the_words(visitor: Visitor, language: str) -> None:
    code = visitor.send("copy_code", **{**CODE, "language": language})["code"]
    assert "My car.PNG" in code and "car: wheel, door" in code
    if language in ("python", "client"):
        compile(code, "copied.py", "exec")
    if language in ("client", "curl"):
        assert "http://host:1" in code


def test_code_for_an_example_names_its_file(visitor: Visitor) -> None:
    visitor.open(example="truck")
    assert "'truck.jpg'" in visitor.send("copy_code", **CODE)["code"]


def test_code_holds_what_narrows_the_result(visitor: Visitor) -> None:
    click = {"kind": "prompts", "points": [[40, 30, 1]]}
    narrowed = {**CODE, "runs": [TEXT, click], "granularity": "part", "sure": 0.4}
    code = visitor.send("copy_code", **narrowed)["code"]
    assert "granularity='part'" in code and ">= 0.4" in code


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "php"},
        {"language": ["python"]},
        {"granularity": "huge"},
        {"granularity": ["part"]},
        {"sure": "all"},
        {"sure": True},
        {"runs": "x"},
        {"runs": [TEXT] * 99},
        {"layers": 3},
        {"runs": []},
    ],
)
def test_wrong_questions_for_code_are_a_sentence(visitor: Visitor, wrong: dict[str, Any]) -> None:
    assert visitor.send("copy_code", **{**CODE, **wrong})["error"]["message"].endswith(".")


@pytest.mark.parametrize("address", [None, 3, "javascript:alert(1)", "http://x/'; rm -rf /"])
def test_an_address_that_is_none_is_not_copied(visitor: Visitor, address: Any) -> None:
    code = visitor.send("copy_code", **{**CODE, "language": "curl", "address": address})["code"]
    assert "http://127.0.0.1:7860" in code and "rm -rf" not in code and "alert" not in code


# About the model


def test_the_model_tells_what_it_knows_of_itself(visitor: Visitor) -> None:
    told = visitor.send("tell_about")["about"]
    assert told["model"] == "scripted" and told["parameters"] == 22_900_000
    assert told["bytes"] is None and told["recognizer"] is None
    assert dict(told["sets"]) == {"cars": 350, "rooms": 1424, "<b>elsewhere</b>": 3}
    assert told["measured"] == [("text_cosine", 0.8945), ("one click, best of 3", 0.57)]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"training_sets": [1], "terms": 3, "measured": "x", "text_tower": None, "steps": "many"},
        {"training_sets": {"a": "b", "c": float("nan"), "d": True}, "parameters": float("inf")},
        {"measured": {"a": 10**400}, "steps": 10**400, "terms": "  "},
    ],
)
def test_facts_of_another_form_are_left_out(facts: dict[str, Any]) -> None:
    told = about(SimpleNamespace(name="x", facts=lambda: facts), "no file\0")  # type: ignore[arg-type]
    json.dumps(told, allow_nan=False)
    assert told["sets"] == [] and told["measured"] == []
    assert not any(told[key] for key in ("parameters", "terms", "steps", "bytes"))


def test_the_size_is_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    file.write_bytes(b"x" * 1234)
    predictor = ScriptedPredictor()
    assert about(predictor, str(file))["bytes"] == 1234


# All of them


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("payload", [None, 3, "x", [], {}, {"seq": -1}, {"seq": 1, "photo": {}}])
def test_whatever_is_sent_gets_a_message(visitor: Visitor, name: str, payload: Any) -> None:
    told = visitor.told(name, payload)
    assert ("about" in told) if name == "tell_about" else told["error"]["message"].endswith(".")


@pytest.mark.parametrize("name", EVENTS[:-1])
def test_a_photo_that_is_gone_is_asked_for_again(visitor: Visitor, name: str) -> None:
    visitor.photo = "0" * 64
    assert visitor.send(name, **CODE, text="wheel")["error"]["code"] == "photo_gone"


def test_its_sentences_are_known_in_korean(visitor: Visitor, predictor: ScriptedPredictor) -> None:
    many = ", ".join(f"name {n}" for n in range(13))
    said = [
        visitor.send("show_heat_maps", text=many)["error"]["message"],
        visitor.send("plot_result", runs=[TEXT], layers=[])["error"]["message"],
        visitor.send("copy_code", **{**CODE, "runs": []})["error"]["message"],
        visitor.send("tell_about")["about"]["terms"],
    ]
    for sentence in said:
        known = strings.TRANSLATIONS["ko"]
        assert any(re.fullmatch(pattern, sentence) for pattern, _ in known), sentence


# Over HTTP


class Browser:
    """Sends events as Gradio's page does."""

    def __init__(self, server: str) -> None:
        self.server = server
        config = httpx.get(f"{server}/config").json()
        (self.canvas,) = (
            c["id"] for c in config["components"] if c["props"].get("elem_id") == "studio"
        )
        self.functions = {
            event: function["id"]
            for function in config["dependencies"]
            for target, event in function["targets"]
            if target == self.canvas and function["backend_fn"]
        }

    def send(self, name: str, **payload: Any) -> Message:
        question = {
            "fn_index": self.functions[name],
            "data": [None],
            "event_data": {"seq": 1, **payload},
            "session_hash": "test-inspection",
            "trigger_id": self.canvas,
        }
        joined = httpx.post(f"{self.server}/gradio_api/queue/join", json=question)
        assert joined.status_code == 200, joined.text
        address = f"{self.server}/gradio_api/queue/data?session_hash=test-inspection"
        with httpx.stream("GET", address, timeout=60) as events:
            for line in events.iter_lines():
                message = json.loads(line[6:]) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    answer: Message = message["output"]["data"][0]
                    return answer
        raise AssertionError("no answer came")


def test_a_heat_map_is_drawn_and_served(server: str) -> None:
    browser = Browser(server)
    assert set(EVENTS) <= set(browser.functions)
    photo = browser.send("open_photo", source={"example": "truck"})["photo"]["id"]
    (found,) = browser.send("show_heat_maps", photo=photo, text="wheel")["maps"]
    served = httpx.get(found["file"]["url"])
    assert served.status_code == 200 and served.headers["content-type"] == "image/png"
    code = browser.send("copy_code", photo=photo, **CODE)["code"]
    assert "'truck.jpg'" in code
