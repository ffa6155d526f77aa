"""Slow answers: told how far they are, and stopped for good."""

import threading
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from scripted_studio import ScriptedPredictor

from partclipseg.studio.engine import Engine
from partclipseg.studio.events import Handlers
from partclipseg.studio.session import Session
from partclipseg.studio.tasks import Progress, Stopped, Stops, Task


def test_progress_comes_in_order_and_then_the_result() -> None:
    def work(progress: Progress) -> str:
        for share in (0.25, 0.5, 0.75):
            progress(share)
        return "done"

    task = Task(work, threading.Event())
    assert list(task) == [0.0, 0.25, 0.5, 0.75]
    assert task.result() == "done"


def test_what_the_work_raises_is_raised() -> None:
    def work(progress: Progress) -> None:
        raise ValueError("no")

    task = Task(work, threading.Event())
    assert list(task) == [0.0]
    with pytest.raises(ValueError, match="no"):
        task.result()


def test_a_stopped_task_ends_at_its_next_step() -> None:
    stop = threading.Event()
    steps: list[int] = []

    def work(progress: Progress) -> None:
        for step in range(1000):
            progress(step / 1000)
            steps.append(step)
            if step == 3:
                stop.set()

    task = Task(work, stop)
    list(task)
    with pytest.raises(Stopped):
        task.result()
    assert len(steps) == 4


def test_work_is_stopped_when_nobody_listens_any_more() -> None:
    stop, gate = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        gate.wait(10)
        progress(0.5)

    listening = iter(Task(work, stop))
    next(listening)
    listening.close()  # type: ignore[attr-defined]
    assert stop.is_set()
    gate.set()


def test_a_question_can_be_stopped_before_it_has_begun() -> None:
    stops = Stops()
    stops.of("a").set()
    assert stops.of("a").is_set() and not stops.of("b").is_set()
    for number in range(2000):
        stops.of(str(number))
    assert not stops.of("a").is_set(), "old tokens are forgotten"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Handlers, Any, dict[str, Any]]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "x.png")
    predictor = ScriptedPredictor()
    predictor.steps = 4
    handlers = Handlers(Engine(lambda: predictor, 2**26), {})
    source = gr.EventData(None, {"seq": 1, "source": {"path": str(tmp_path / "x.png")}})
    *_, (message, session) = handlers.open_photo(Session(), source)
    question = {"photo": message["photo"]["id"], "ask": {"kind": "everything"}, "token": "t"}
    return handlers, session, question


def test_everything_tells_how_far_it_is(asked: tuple[Handlers, Any, dict[str, Any]]) -> None:
    handlers, session, question = asked
    event = gr.EventData(None, {"seq": 5, **question})
    *told, (answer, _) = handlers.segment_photo(session, event)
    assert [message["share"] for message, _ in told] == [0.0, 0.0, 0.25, 0.5, 0.75]
    assert all(message["seq"] == 5 and message["stage"] == "searching" for message, _ in told)
    assert len(answer["parts"]) == 2


def test_everything_stops_and_the_next_one_does_not(
    asked: tuple[Handlers, Any, dict[str, Any]],
) -> None:
    handlers, session, question = asked
    stop = handlers.direct()[-1]
    stop({"token": "t"})
    for nonsense in (None, {}, {"token": 3}, {"token": ""}, {"token": "x" * 99}):
        stop(nonsense)
    *_, (answer, _) = handlers.segment_photo(session, gr.EventData(None, {"seq": 5, **question}))
    assert answer == {"seq": 5, "stopped": True}
    again = gr.EventData(None, {"seq": 6, **question, "token": "u"})
    *_, (answer, _) = handlers.segment_photo(session, again)
    assert len(answer["parts"]) == 2
