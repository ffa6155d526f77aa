"""Killed in the middle of writing, without a chance to tidy: what is there is whole, and a new
start goes on and takes away what was left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file

from partclipseg import exports
from partclipseg.results import Segmentation
from partclipseg.vocabulary.cache import EmbeddingCache
from tests.load import photo_of, running

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes are killed otherwise there")

WRITE = """
import sys
from partclipseg.exports.names import write_atomically
while True:
    write_atomically(sys.argv[1], b"new" * 30_000_000)
"""
CACHE = """
import sys
from pathlib import Path
import numpy as np
from partclipseg.vocabulary.cache import EmbeddingCache
while True:
    EmbeddingCache(Path(sys.argv[1])).write("0" * 32, np.ones((200_000, 128)))
"""
SEGMENT = """
import sys
import partclipseg
from partclipseg import cli
from tests.scripted import ScriptedPredictor
partclipseg.load = lambda name, device: name
partclipseg.PartPredictor = lambda model: ScriptedPredictor()
sys.exit(cli.main(["segment", *sys.argv[2:], "--everything", "--out", sys.argv[1]]))
"""


def start(code: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def killed_when(process: subprocess.Popen[bytes], seen: Callable[[], bool]) -> None:
    """Kill a process as soon as something can be seen of its work."""
    until = time.monotonic() + 300
    while not seen():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until, "nothing was seen of its work"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL


def aged(path: Path) -> None:
    then = time.time() - 2 * exports.names.ABANDONED
    os.utime(path, (then, then))


def begun(folder: Path, pattern: str) -> Callable[[], bool]:
    """Whether a file is there that has been begun and not ended."""
    return lambda: any(path.stat().st_size > 0 for path in folder.glob(pattern) if path.exists())


def left_by(code: str, argument: Path, folder: Path, pattern: str) -> Path:
    """The unfinished file of a writer that was killed; the moment is not always met at once."""
    for _ in range(20):
        process = start(code, argument)
        killed_when(process, lambda: _met(folder, pattern))
        left = list(folder.glob(pattern))
        if left:
            return left[0]
    raise AssertionError("it always had the time to end")


def _met(folder: Path, pattern: str) -> bool:
    try:
        return begun(folder, pattern)()
    except FileNotFoundError:  # renamed between two looks
        return False


def test_an_export_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "overlay.png"
    target.write_bytes(b"old")
    left = left_by(WRITE, target, tmp_path, exports.names.TEMPORARY)
    assert target.read_bytes() in (b"old", b"new" * 30_000_000)
    exports.write_atomically(target, b"again")
    assert target.read_bytes() == b"again"
    exports.sweep(tmp_path)
    assert left.exists(), "for all we know, somebody is writing it"
    aged(left)
    exports.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["overlay.png"]


def test_a_cache_that_is_killed_is_read_as_missing_or_whole(tmp_path: Path) -> None:
    left = left_by(CACHE, tmp_path, tmp_path, "vocabulary-*.tmp")
    found = EmbeddingCache(tmp_path).read("0" * 32, (200_000, 128))
    assert found is None or (found == 1).all()
    aged(left)
    values = np.eye(4, dtype=np.float32)
    assert EmbeddingCache(tmp_path).write("1" * 32, values)
    again = EmbeddingCache(tmp_path).read("1" * 32, (4, 4))
    assert again is not None and (again == values).all()
    assert not list(tmp_path.glob("*.tmp"))


def test_a_command_that_is_killed_is_given_again(tmp_path: Path) -> None:
    photos = [photo_of(tmp_path, number) for number in range(12)]
    out = tmp_path / "out"
    process = start(SEGMENT, out, *photos)
    killed_when(process, lambda: len(list(out.glob("*.json"))) >= 3)
    done = list(out.glob("*.json"))
    for path in done:  # the JSON comes last: where it is, the rest is too
        found = Segmentation.from_json(json.loads(path.read_text(encoding="utf-8")))
        assert (out / f"{path.stem}_overlay.png").is_file()
        assert len(list(out.glob(f"{path.stem}_0*.png"))) == len(found.parts)
    (out / ".partclipseg-left.part").write_bytes(b"half")
    aged(out / ".partclipseg-left.part")
    assert start(SEGMENT, out, *photos).wait(300) == 0
    assert len(list(out.glob("*.json"))) == 12
    assert not list(out.glob(".partclipseg-left.part"))


@pytest.mark.slow
def test_an_app_that_is_killed_starts_again_and_tidies(tmp_path: Path) -> None:
    model = {"PARTCLIPSEG_MODEL": "scripted", "PARTCLIPSEG_KEEP_HOURS": "1"}
    photo = photo_of(tmp_path, 0)
    ask = {"photo": handle_file(str(photo)), "text": "wheel", "api_name": "/segment_text"}
    with running(tmp_path / "app", **model) as app:
        before = Client(app.url, verbose=False, analytics_enabled=False).predict(**ask)
        left = app.files("cache")
        assert left, "the uploaded photo"
        app.process.kill()
        app.process.wait()
    assert all(path.exists() for path in left), "nobody could tidy"
    for path in left:
        aged(path)
    with running(tmp_path / "app", **model) as app:
        until = time.monotonic() + 60
        while any(path.exists() for path in left) and time.monotonic() < until:
            time.sleep(0.1)
        assert not any(path.exists() for path in left)
        again = Client(app.url, verbose=False, analytics_enabled=False).predict(**ask)
    assert again == before
