"""``python -m tests.load`` in small: many users, a full queue, clients that stall, a soak."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

from tests.load import App, Report, ask_all, photo_of, questions, running, soak, stalled

MODEL = {"PARTCLIPSEG_MODEL": "scripted"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("app"), **MODEL) as served:
        yield served


def test_users_get_their_own_answers_also_beside_clients_that_stall(
    app: App, photos: Path, tmp_path: Path
) -> None:
    users = range(6)
    with stalled(app.url, 12):
        many = ask_all(app.url, users, 8, photos, together=True)
    assert many.errors == [] and len(many.answers) == 6 * 8
    with running(tmp_path, **MODEL) as other:
        alone = ask_all(other.url, users, 8, photos, together=False)
    assert alone.errors == [] and many.mixed(alone) == []
    owners: dict[str, set[int]] = {}
    for (user, _), told in many.answers.items():
        owners.setdefault(told, set()).add(user)
    assert all(len(users) == 1 for users in owners.values()), "else a mix-up could not be seen"


def test_answers_that_were_mixed_up_are_told() -> None:
    alone = Report(answers={(0, 0): "a", (1, 0): "b"})
    assert Report(answers={(0, 0): "b", (1, 0): "b"}).mixed(alone) == [(0, 0)]


def test_questions_of_a_user_differ() -> None:
    asked = [json.dumps(question) for user in range(3) for question in questions(user, 12)]
    assert len(set(asked)) == len(asked)


def test_a_full_queue_is_told_and_nothing_hangs(photos: Path, tmp_path: Path) -> None:
    photo = str(photo_of(photos, 0))

    def visit(client: Client, number: int) -> str:
        ask = {"photo": handle_file(photo), "text": f"wheel {number}"}
        try:
            return str(len(client.predict(**ask, api_name="/segment_text")["parts"]))
        except Exception as error:
            return str(error)

    slow = {"PARTCLIPSEG_QUEUE_SIZE": "2", "LOAD_PAUSE": "1"}
    with running(tmp_path, **MODEL, **slow) as served:
        clients = [Client(served.url, verbose=False, analytics_enabled=False) for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            told = list(pool.map(visit, clients, range(10)))
        assert set(told) == {"1", "Queue is full! Please try again."}
        assert visit(clients[0], 99) == "1", "once there is room, questions are answered again"


def test_a_full_queue_over_http(photos: Path, tmp_path: Path) -> None:
    slow = {"PARTCLIPSEG_QUEUE_SIZE": "1", "LOAD_PAUSE": "2"}
    with running(tmp_path, **MODEL, **slow) as served:
        content = photo_of(photos, 0).read_bytes()
        sent = httpx.post(
            f"{served.url}/gradio_api/upload", files={"files": ("a.png", content)}, timeout=60
        )
        data: dict[str, Any] = {
            "path": sent.json()[0], "meta": {"_type": "gradio.FileData"}
        }  # fmt: skip
        call = f"{served.url}/gradio_api/call/segment_text"
        answers = [
            httpx.post(call, json={"data": [data, f"wheel {n}", 0.5]}, timeout=60) for n in range(8)
        ]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused and {answer.status_code for answer in refused} == {503}
    assert refused[0].json()["detail"].startswith("Queue is full.")


def test_a_soak_leaves_memory_and_disk_as_they_were(tmp_path: Path) -> None:
    """160 actions on 40 photos, which are more than the 2 MB that the app may keep."""
    soaked = soak(tmp_path, 160, MODEL)
    assert soaked.errors == [] and soaked.outside == []
    assert soaked.growth_mb is None or soaked.growth_mb < 100
    written = sum(path.stat().st_size for path in (tmp_path / "soaked").iterdir()) / 1e6
    assert written > 4 and soaked.disk_mb < written
