"""What goes around every request: headers, the size of what is sent, the folder of files."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from partclipseg import studio
from partclipseg.errors import InputError
from partclipseg.studio.disk import UNFINISHED, sweep, sweeping
from partclipseg.studio.guard import HEADERS, Guard, ancestors

FRAMES = "frame-ancestors 'self' https://huggingface.co https://*.hf.space"


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: Playwright leaves a running loop in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


# Headers, over HTTP


@pytest.mark.parametrize(
    "path",
    ["/", "/config", "/gradio_api/info", "/theme.css", "/gradio_api/file=/etc/passwd", "/no"],
)
def test_every_answer_has_the_headers(server: str, path: str) -> None:
    headers = httpx.get(server + path).headers
    for name, value in HEADERS.items():
        assert headers[name] == value
    assert FRAMES in headers["content-security-policy"]
    assert "x-frame-options" not in headers, "a Space is shown inside of another page"


def upload(server: str, name: str, content: bytes) -> str:
    sent = httpx.post(f"{server}/gradio_api/upload", files={"files": (name, content)})
    assert sent.status_code == 200
    return str(sent.json()[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("page.xhtml", b'<html xmlns="http://www.w3.org/1999/xhtml"/>'),
        ("script.js", b"alert(1)"),
        ("plain", b"<script>alert(1)</script>"),
    ],
)
def test_an_uploaded_page_is_never_run(server: str, name: str, content: bytes) -> None:
    stored = upload(server, name, content)
    answer = httpx.get(f"{server}/gradio_api/file={stored}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "{root}/pyproject.toml"])
def test_files_that_were_not_uploaded_are_not_given(server: str, path: str) -> None:
    path = path.format(root=Path(__file__).resolve().parents[1])
    for asked in (path, f"..{path}", f"%2e%2e{path}"):
        answer = httpx.get(f"{server}/gradio_api/file={asked}")
        assert answer.status_code in (403, 404) and "root:" not in answer.text


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ("none", "'self'"),
        ("", "'self'"),
        ("*", "'self' *"),
        ("https://a.org  http://b.org:81", "'self' https://a.org http://b.org:81"),
    ],
)
def test_who_may_show_the_app_is_set(frames: str, expected: str) -> None:
    assert ancestors(frames) == expected


@pytest.mark.parametrize("frames", ["https://a.org; script-src *", "a\nb", "'none'", "javascript:"])
def test_an_address_that_is_none_is_named_before_the_app_starts(frames: str) -> None:
    with pytest.raises(InputError, match=r"PARTCLIPSEG_FRAMES has .*or none\.$"):
        studio.launch_kwargs(studio.Settings(frames=frames))


# How much is sent

LIMIT = 2**20


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of what it was sent."""
    read = 0
    more = True
    while more:
        message = await receive()
        read += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(read).encode()})


def ask(app: Any, path: str = "/", **request: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.post(path, **request)

    return finished(asked())


async def pieces(count: int) -> AsyncIterator[bytes]:
    """A body whose length nobody says before."""
    for _ in range(count):
        yield b"x" * 2**16


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (9 * LIMIT, 413)])
def test_a_request_is_read_up_to_its_limit(size: int, status: int) -> None:
    answer = ask(Guard(echo, "none", LIMIT), content=b"x" * size)
    assert answer.status_code == status
    told = str(size) if status == 200 else "At most 1 MB can be sent at once."
    assert answer.text == told and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("count", "status"), [(16, 200), (17, 413), (160, 413)])
def test_a_request_of_unknown_length_too(count: int, status: int) -> None:
    assert ask(Guard(echo, "none", LIMIT), content=pieces(count)).status_code == status


def test_uploads_have_a_limit_of_their_own() -> None:
    """They go to disk, and a browser sends many files at once."""
    guard = Guard(echo, "none", LIMIT, 3 * LIMIT)
    for path, size, status in (
        ("/gradio_api/upload", 3 * LIMIT, 200),
        ("/below/gradio_api/upload", 3 * LIMIT, 200),
        ("/gradio_api/upload", 3 * LIMIT + 1, 413),
        ("/gradio_api/queue/join", LIMIT + 1, 413),
    ):
        assert ask(guard, path, content=b"x" * size).status_code == status


def test_a_large_question_is_refused_over_http(server: str) -> None:
    answer = httpx.post(f"{server}/gradio_api/call/segment_text", content=b" " * 3 * 2**20)
    assert (answer.status_code, answer.text) == (413, "At most 2 MB can be sent at once.")


def test_answers_are_passed_on_as_they_come() -> None:
    """A stream is no stream where something waits for its end."""
    told: list[str] = []

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"first", b"second"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            told.append(f"sent {piece.decode()}")
        await send({"type": "http.response.body"})

    async def send(message: Any) -> None:
        if message.get("body"):
            told.append(f"got {message['body'].decode()}")

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "path": "/", "headers": []}
    finished(Guard(stream, "none", LIMIT)(scope, receive, send))
    assert told == ["got first", "sent first", "got second", "sent second"]


# The folder of files

HOUR = 3600


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, int, float], Path]:
    def put(name: str, size: int, hours: float) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
        then = time.time() - hours * HOUR
        os.utime(path, (then, then))
        return path

    return put


def test_old_files_go_and_new_ones_stay(tmp_path: Path, put: Any) -> None:
    old, new = put(f"{'a' * 64}/old.png", 10, 3), put(f"{'b' * 40}/new.png", 20, 1)
    assert sweep(tmp_path, 2 * HOUR, 10**6) == 20
    assert not old.exists() and new.exists()


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path, put: Any) -> None:
    files = [put(f"{str(i) * 64}/x.png", 100, i) for i in range(6)]
    assert sweep(tmp_path, 99 * HOUR, 250) == 200
    assert [path.exists() for path in files] == [True, True] + [False] * 4


def test_uploads_that_never_ended_go_within_an_hour(tmp_path: Path, put: Any) -> None:
    stalled, under_way = put("tmpab12_x9z", 10, 1.1), put("tmpab12_x9y", 10, 0.1)
    assert sweep(tmp_path, 12 * HOUR, 10**6) == 10
    assert not stalled.exists() and under_way.exists()


def test_what_is_somebody_elses_stays(tmp_path: Path, put: Any) -> None:
    others = [put("notes.txt", 9, 99), put("holiday/a.png", 9, 99), put("tmp/a.png", 9, 99)]
    outside = put("outside.png", 9, 99)
    (tmp_path / ("c" * 64)).symlink_to(tmp_path / "holiday")
    put(f"{'d' * 64}/x.png", 9, 0)
    link = tmp_path / ("d" * 64) / "link.png"
    link.symlink_to(outside)
    sweep(tmp_path, HOUR, 0)
    assert all(path.exists() for path in [*others, outside])
    assert not link.is_symlink(), "a link goes, what it names stays"


def test_empty_folders_go_unless_they_are_new(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / ("e" * 64)).mkdir()
    sweep(tmp_path, HOUR, 0)
    assert (tmp_path / ("e" * 64)).is_dir(), "a file may be on its way"
    now = time.time()
    monkeypatch.setattr("partclipseg.studio.disk.time.time", lambda: now + UNFINISHED + 9)
    sweep(tmp_path, HOUR, 0)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none", HOUR, 0) == 0


def test_the_app_tidies_when_it_starts_and_goes_on(
    tmp_path: Path, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    first = put(f"{'a' * 64}/x.png", 9, 5)

    async def live() -> None:
        async with sweeping(2 * HOUR, 10**6, every=0.01)(None):
            while first.exists():
                await asyncio.sleep(0.01)
            later = put(f"{'b' * 64}/x.png", 9, 5)
            while later.exists():
                await asyncio.sleep(0.01)

    finished(asyncio.wait_for(live(), 60))
