"""Code that is copied from the app finds what the app found: it is run here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from scripted_studio import ScriptedPredictor

import partclipseg
from partclipseg import PartPredictor, cli, images
from partclipseg.errors import InputError
from partclipseg.studio.asks import Ask, PaintedMask
from partclipseg.studio.engine import Engine
from partclipseg.studio.snippets import ADDRESS, LANGUAGES, Recipe, snippet

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

HOSTILE = [
    'it\'s a "wheel"; $(touch pwned) `touch pwned` ${HOME} \\ \\n',
    "-rf",
    "--out=elsewhere",
    "'; touch pwned; '",
    '"""\nimport os',
    "car: wheel\ndog: tail",
    "轮子\u202e emit",
    "{braces} %s !! #",
]


def painted(size: tuple[int, int]) -> PaintedMask:
    mask = np.zeros(size, np.uint8)
    mask[size[0] // 3 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    encoded = coco_mask.encode(np.asfortranarray(mask))
    return PaintedMask(*size, encoded["counts"].decode())


WORDS = Ask("text", "car: wheel, front door")
CLICKS = Ask("prompts", "", ((300.5, 405.0, 1), (60.0, 60.0, 0)))
BOX = Ask("prompts", "car: wheel", (), ((235.0, 340.0, 365.25, 470.0),))
PAINTED = Ask("prompts", "", ((300.0, 405.0, 1),), (), painted((342, 512)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with the example photo."""
    root = Path(__file__).resolve().parents[1]
    shutil.copy(root / "examples" / "truck.jpg", tmp_path / "my car.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def app(lite: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The app's engine; code that loads a model gets the same one without loading it again."""
    monkeypatch.setitem(partclipseg.__dict__, "load", lambda name="lite", device=None: lite)
    return Engine(lambda: PartPredictor(lite), 2**28)


def shown(app: Engine, recipe: Recipe) -> list[Any]:
    """What the canvas shows for the recipe."""
    encoded, _ = app.encode(images.read(recipe.file))
    parts = []
    for ask in recipe.asks:
        for part in app.answer(encoded, ask).segmentation.parts:
            if ask.kind == "prompts":
                kept = recipe.granularity in (None, part.granularity)
            else:
                kept = (part.probability or 1) >= recipe.sure
            parts += [part] if kept else []
    return parts


def comparable(parts: list[Any]) -> list[Any]:
    keys = ("label", "area", "bbox", "granularity")
    rows = [p if isinstance(p, dict) else p.to_json() for p in parts]
    return [[*(row[key] for key in keys), row["segmentation"]] for row in rows]


@pytest.mark.checkpoint
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("my car.jpg", (WORDS,)),
        Recipe("my car.jpg", (WORDS, CLICKS), granularity="part", sure=0.6),
        Recipe("my car.jpg", (BOX,)),
        Recipe("my car.jpg", (PAINTED,), granularity="whole"),
    ],
)
def test_python_and_command_line_find_the_same(app: Engine, recipe: Recipe) -> None:
    expected = comparable(shown(app, recipe))
    assert expected
    names: dict[str, Any] = {}
    exec(snippet("python", recipe), names)
    assert comparable(list(names["parts"])) == expected

    found = []
    for number, words in enumerate(arguments(snippet("cli", recipe)), 1):
        assert cli.main(words) == 0
        out = "results" if len(recipe.asks) == 1 else f"results_{number}"
        found += json.loads(Path(out, "my car.json").read_text())["parts"]
    # The command line writes all parts; a comment says that the app hides the less sure ones.
    parts = [p for p in found if p["granularity"] or p["probability"] >= recipe.sure]
    assert comparable(parts) == expected


def arguments(shell: str) -> list[list[str]]:
    """What each partclipseg command of a shell text is given; other commands are run."""
    root = str(Path(partclipseg.__file__).parents[1])
    stub = f"""python() {{
      if [ "$1" = -m ]; then printf "%s\\0" "${{@:3}}" END; else {sys.executable} "$@"; fi
    }}
    """
    done = subprocess.run(
        ["bash", "-eu", "-c", stub + shell], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    commands: list[list[str]] = [[]]
    for word in done.stdout.split("\0")[:-1]:
        if word == "END":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands[:-1]


# Names that may hold anything


@pytest.mark.parametrize("text", HOSTILE)
def test_the_shell_gets_every_character_as_it_is(text: str, folder: Path) -> None:
    recipe = Recipe(text, (Ask("text", text),), model=text)
    (words,) = arguments(snippet("cli", recipe))
    file = f"./{text}" if text.startswith("-") else text
    assert words == ["segment", file, f"--text={text}", f"--model={text}", "--out=results"]
    assert [p.name for p in folder.iterdir()] == ["my car.jpg"]
    checked = subprocess.run(["bash", "-n", "-c", snippet("curl", recipe)], check=False)
    assert checked.returncode == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_python_gets_every_character_as_it_is(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    class Recording(ScriptedPredictor):
        def __init__(self, model: Any) -> None:
            super().__init__()
            asked.append(model)

        def encode(self, image: Any) -> Any:
            asked.append(image)
            return super().encode(images.read("my car.jpg"))

        def segment(self, text: str, **kwargs: Any) -> Any:
            asked.append(text)
            return super().segment("wheel", **kwargs)

    monkeypatch.setitem(partclipseg.__dict__, "load", lambda name: name)
    monkeypatch.setitem(partclipseg.__dict__, "PartPredictor", Recording)
    code = snippet("python", Recipe(text, (Ask("text", text),), model=text))
    exec(code, {})
    assert asked == [text, text, text]
    assert all(c.isprintable() or c == "\n" for c in code), "no hidden direction of script"


def test_half_characters_and_zeros_leave_the_file_name() -> None:
    recipe = Recipe("a\0b\ud800.jpg", (WORDS,))
    assert recipe.file == "a_b?.jpg"
    assert Recipe("", (WORDS,)).file == "photo.jpg"


def test_an_address_that_is_none_is_not_copied() -> None:
    assert Recipe("x.jpg", (WORDS,), address="https://a-b.example.org:81/x/").address == (
        "https://a-b.example.org:81/x"
    )
    for address in ("javascript:alert(1)", "http://x'; rm -rf ~", "", "http://a b"):
        assert Recipe("x.jpg", (WORDS,), address=address).address == ADDRESS


def test_nothing_and_an_unknown_language_are_refused() -> None:
    with pytest.raises(InputError, match="nothing to copy"):
        Recipe("x.jpg", ())
    with pytest.raises(InputError, match="use one of python, client, curl, cli"):
        snippet("perl", Recipe("x.jpg", (WORDS,)))


def test_numbers_are_read_back_as_they_were() -> None:
    recipe = Recipe("x.jpg", (Ask("prompts", "", ((0.1 + 0.2, 1e-7, 1),)),))
    (words,) = arguments(snippet("cli", recipe))
    assert "--point=0.30000000000000004,1e-07" in words
    for language in LANGUAGES:
        assert "0.30000000000000004" in snippet(language, recipe)


# Over HTTP


@pytest.mark.parametrize("name", ["car.jpg", 'it\'s "my" \\car;1,2.jpg'])
def test_programs_far_away_find_the_same(server: str, folder: Path, name: str) -> None:
    shutil.copy("my car.jpg", name)
    everything = Ask("everything")
    asks = (WORDS, PAINTED, Ask("prompts", "wheel", (), BOX.boxes), everything)
    recipe = Recipe(name, asks, sure=0.85, address=server)
    expected = comparable(shown(Engine(ScriptedPredictor, 2**28), recipe))
    assert len(expected) == 1 + 3 + 1 + 1

    names: dict[str, Any] = {}
    exec(snippet("client", recipe), names)
    assert comparable(names["parts"]) == expected

    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    command = ["bash", "-eu", "-c", snippet("curl", recipe)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    answers = [json.loads(line)[0] for line in done.stdout.splitlines()]
    parts = [p for a in answers for p in a["parts"] if (p["probability"] or 1) >= 0.85]
    assert comparable(parts) == expected


def test_the_painted_mask_is_a_file_of_the_photos_size(folder: Path) -> None:
    (words,) = arguments(snippet("cli", Recipe("my car.jpg", (PAINTED,))))
    assert "--mask=painted.png" in words
    with Image.open("painted.png") as mask:
        assert mask.size == (1024, 683)
        inside = np.asarray(mask) > 127
    assert PAINTED.mask is not None
    assert (inside == PAINTED.mask.at(1024, 683)).all()
