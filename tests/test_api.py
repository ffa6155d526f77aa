"""The endpoints for programs, asked as programs ask: over HTTP, by gradio_client and by curl."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg.errors import InputError
from partclipseg.prompts import Query, parse
from partclipseg.results import Segmentation
from partclipseg.studio import insights

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


@pytest.fixture
def photo(tmp_path: Path) -> Any:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "car.png")
    return handle_file(str(tmp_path / "car.png"))


def rle(mask: np.ndarray) -> dict[str, Any]:
    encoded = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(v) for v in encoded["size"]], "counts": encoded["counts"].decode()}


# The page in docs/


@pytest.fixture
def documented(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Its examples by language, for this server, beside the photo that they name."""
    shutil.copy(ROOT / "examples" / "truck.jpg", tmp_path / "car.jpg")
    monkeypatch.chdir(tmp_path)
    text = DOCUMENT.replace("http://127.0.0.1:7860", server)
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return {
        language: "\n".join(code for name, code in blocks if name == language)
        for language in ("python", "bash")
    }


def test_the_documented_python_runs(
    documented: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(compile(documented["python"], "docs/api.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "(683, 1024) True" in printed
    assert "The point (99999, 5) lies outside the photo, which is 1024 x 683 pixels." in printed
    assert [part["label"] for part in names["found"]["parts"]] == ["car: wheel", "car: front door"]
    assert names["result"] == Segmentation.from_json(names["found"])
    assert len(names["refined"]["parts"]) == 1
    assert len(names["named"]["masks"]) == 2 and len(names["named"]["masks"][0]) == 3
    with Image.open(names["heat"]["picture"]) as picture:
        assert picture.format == "PNG"
    assert names["cosines"].shape == (683, 1024)


def test_the_documented_curl_runs(documented: dict[str, str]) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    done = subprocess.run(
        ["bash", "-eu", "-c", documented["bash"]], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert [part["label"] for part in found["parts"]] == ["car: wheel", "car: front door"]
    assert found["image"] == "car"


def test_every_endpoint_is_documented(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, about in endpoints.items():
        assert f'api_name="{name}"' in DOCUMENT
        for parameter in about["parameters"]:
            assert re.search(rf"\b{parameter['parameter_name']}\b", DOCUMENT)
            assert parameter["python_type"]["type"]


# Endpoints


def test_a_threshold_reaches_the_model(client: Client, photo: Any) -> None:
    found = client.predict(photo=photo, text="wheel", threshold=0.7, api_name="/segment_text")
    assert [part["label"] for part in found["parts"]] == ["wheel"]


def test_masks_are_named(client: Client, photo: Any) -> None:
    mask = np.zeros((60, 80), bool)
    mask[10:20, 10:30] = True
    answer = client.predict(
        photo=photo, masks=[rle(mask), rle(~mask)], text="car:; dog: tail; handle", top=2,
        api_name="/label",
    )  # fmt: skip
    assert (answer["image"], answer["model"]) == ("car", "scripted")
    for names in answer["masks"]:
        assert [name["label"] for name in names] == ["car", "dog: tail"]
        assert names[0]["similarity"] > names[1]["similarity"]


def test_without_words_masks_get_everyday_names(client: Client, photo: Any) -> None:
    answer = client.predict(photo=photo, masks=[rle(np.ones((60, 80)))], api_name="/label")
    assert len(answer["masks"][0]) == 5


def test_heat_maps_are_files_and_numbers(client: Client, photo: Any) -> None:
    maps = client.predict(photo=photo, text="car: wheel, door", api_name="/heatmap")
    assert [heat["label"] for heat in maps] == ["car: wheel", "car: door"]
    assert maps[1]["high"] == pytest.approx(2 * maps[0]["high"])
    assert Path(maps[0]["picture"]).name == "car_heatmap_car_wheel.png"
    values = np.load(maps[1]["values"], allow_pickle=False)
    assert values.shape == (60, 80) and values.dtype == np.float16
    np.testing.assert_allclose(values[:, -1], 0.2, atol=1e-3)


SQUARE = {"size": [60, 80], "counts": "0P1"}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("/segment_text", {"text": "wheel", "threshold": "much"}, "number between 0 and 1"),
        ("/segment_prompts", {"mask": {"size": [4, 4], "counts": "0@0"}}, "run lengths fill that"),
        ("/segment_prompts", {"mask": rle(np.ones((4, 9)))}, "must have the shape of the photo"),
        ("/segment_prompts", {"mask": SQUARE}, "not a part|cover"),
        ("/label", {"masks": []}, "at least one mask"),
        ("/label", {"masks": [3]}, "must be a list of"),
        ("/label", {"masks": [SQUARE]}, "cover"),
        ("/label", {"masks": [rle(np.ones((60, 80)))], "top": 0}, "from 1 to 50"),
        ("/label", {"masks": [rle(np.ones((60, 81)))]}, "81 x 60 pixels, but the photo is 80 x 60"),
        ("/label", {"masks": [rle(np.ones((60, 80)))] * 101}, "at most 100"),
        ("/heatmap", {"text": ""}, "no name"),
        ("/heatmap", {"text": ", ".join(f"n{i}" for i in range(13))}, "13 names; ask for at most"),
    ],
)
def test_a_program_is_told_what_is_wrong(
    client: Client, photo: Any, endpoint: str, arguments: Any, sentence: str
) -> None:
    with pytest.raises(Exception, match=sentence) as raised:
        client.predict(photo=photo, **arguments, api_name=endpoint)
    assert "Traceback" not in str(raised.value) and "\n" not in str(raised.value)


# What they are made of


@pytest.mark.parametrize(
    "query",
    [
        Query("car", "wheel"), Query("car", None), Query(None, "wheel"), Query("a, b", "c: d"),
        Query("a; b", None), Query(None, "-x, y"),
    ],
)  # fmt: skip
def test_a_name_is_spelled_so_that_it_is_read_again(query: Query) -> None:
    assert parse(insights._spelled(query)).queries == (query,)


def test_values_are_reduced_by_averaging() -> None:
    values = np.tile(np.array([0, 1], np.float32), (40, 1200))
    assert insights._reduced(values).shape == (17, 1024)
    np.testing.assert_allclose(insights._reduced(values).mean(), 0.5, atol=0.01)


def test_masks_of_another_form_are_refused() -> None:
    for rows in (None, {}, "x", [[1]], [{"size": [2, 2]}], [{"size": [2, 2], "counts": 3}]):
        with pytest.raises(InputError):
            insights.read_masks(rows, 2, 2)
