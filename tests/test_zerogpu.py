"""Lent GPUs: what goes to the other process and what comes back, with a stand-in for ``spaces``."""

import importlib.util
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scripted_studio import ScriptedPredictor

from partclipseg import images
from partclipseg.errors import InputError
from partclipseg.studio import zerogpu
from partclipseg.studio.asks import Ask
from partclipseg.studio.engine import Engine


class Spaces(ModuleType):
    """Sends arguments and results through pickle, as the real one does between processes."""

    def __init__(self) -> None:
        super().__init__("spaces")
        self.calls: list[str] = []
        self.durations: list[int] = []

    def GPU(self, *, duration: int) -> Callable[[Any], Any]:
        self.durations.append(duration)

        def decorate(function: Any) -> Any:
            def called(*arguments: Any) -> Any:
                self.calls.append(arguments[0])
                return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

            return called

        return decorate


@pytest.fixture
def spaces(monkeypatch: pytest.MonkeyPatch) -> Spaces:
    stand_in = Spaces()
    monkeypatch.setitem(sys.modules, "spaces", stand_in)
    return stand_in


@pytest.fixture
def lending(spaces: Spaces, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as a ZeroGPU Space imports it."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    spec = importlib.util.spec_from_file_location("zerogpu_on_a_space", zerogpu.__file__)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def photo() -> images.Photo:
    return images.read(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))


def test_elsewhere_nothing_is_lent_and_nothing_is_imported() -> None:
    predictor = ScriptedPredictor()
    assert not zerogpu.ACTIVE and "spaces" not in sys.modules
    assert zerogpu.lent(predictor) is predictor


def test_a_space_finds_its_function_when_it_starts(lending: ModuleType, spaces: Spaces) -> None:
    assert spaces.durations == [lending.LONGEST_CALL]


def test_every_question_is_answered_there(
    lending: ModuleType, spaces: Spaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    predictor = lending.lent(ScriptedPredictor())
    assert predictor.name == "scripted"
    encoded = predictor.encode(photo())
    assert encoded.nbytes == 80 * 60 * 3
    assert len(predictor.segment("car: wheel", photo=encoded).parts) == 1
    assert len(predictor.predict(points=[[5, 5]], photo=encoded).parts) == 3
    assert len(predictor.everything(photo=encoded, progress=lambda share: None).parts) == 2
    assert predictor.similarity("wheel", encoded)["wheel"].shape == (60, 80)
    assert predictor.label([np.ones((60, 80), bool)], ["wheel"], photo=encoded).names == ("wheel",)
    predictor.prepare_names()
    assert predictor.what_is(np.ones((60, 80), bool), photo=encoded).names
    assert predictor.facts()["parameters"] == 22_900_000
    assert spaces.calls == ["segment", "predict", "everything", "similarity", "label", "what_is"]


def test_a_sentence_comes_back_as_it_is(
    lending: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    predictor = lending.lent(ScriptedPredictor())
    with pytest.raises(InputError, match="outside the photo"):
        predictor.predict(points=[[500, 5]], photo=predictor.encode(photo()))


def test_the_model_moves_to_the_gpu_there(
    lending: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []

    class Model:
        def to(self, device: str) -> None:
            moved.append(device)

    inner = ScriptedPredictor()
    inner.model = Model()  # type: ignore[attr-defined]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    predictor = lending.lent(inner)
    predictor.segment("wheel", photo=predictor.encode(photo()))
    assert moved == ["cuda"]


def test_the_engine_asks_the_lent_predictor(
    lending: ModuleType, spaces: Spaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("partclipseg.studio.engine.lent", lending.lent)
    engine = Engine(ScriptedPredictor, 2**20)
    encoded, _ = engine.encode(photo())
    assert len(engine.answer(encoded, Ask("text", "car: wheel")).segmentation.parts) == 1
    assert spaces.calls == ["segment"]


def test_requirements_leave_spaces_to_the_space() -> None:
    root = Path(__file__).resolve().parents[1]
    assert "spaces" not in (root / "requirements.txt").read_text()
