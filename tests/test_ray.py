"""``segment --engine ray``: a local cluster of two workers, one of which is killed."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import partclipseg
from partclipseg import cli
from partclipseg.cli import cluster
from partclipseg.cli.segment import Request
from partclipseg.results import Segmentation
from tests.scripted import ScriptedPredictor

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINT = ROOT / "checkpoints" / "partclipseg-lite.safetensors"
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed (requirements-ray.txt)"
)


def save_photos(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
        paths.append(folder / f"photo{number:03d}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def arguments(out: Path, *more: str) -> argparse.Namespace:
    argv = ["segment", "x.png", "--everything", "--engine", "ray", "--out", str(out), *more]
    return cli.parser(argv).parse_args(argv)


# Without Ray


def test_ray_that_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (photo,) = save_photos(tmp_path / "in", 1)
    argv = ["segment", str(photo), "--everything", "--engine", "ray", "--out", str(tmp_path)]
    assert cli.main(argv) == 2
    assert capsys.readouterr().err == (
        "partclipseg: Ray is not installed: pip install -r requirements-ray.txt, or leave out "
        "--engine ray.\n"
    )


class Absent:
    """A Ray that cannot be started."""

    def init(self, **options: Any) -> None:
        raise ConnectionError("Could not reach 10.0.0.1.\nand more")


def test_a_cluster_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(partclipseg.__dict__, "load", lambda name, device: name)
    monkeypatch.setitem(partclipseg.__dict__, "PartPredictor", lambda model: ScriptedPredictor())
    monkeypatch.setattr(cluster, "_ray", Absent)
    (photo,) = save_photos(tmp_path / "in", 1)
    out = tmp_path / "out"
    argv = ["segment", str(photo), "--everything", "--engine", "ray", "--out", str(out)]
    assert cli.main(argv) == 2
    assert capsys.readouterr().err == (
        "partclipseg: Ray could not be started (Could not reach 10.0.0.1).\n"
    )
    assert not any(out.iterdir())


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cluster.Worker:
    monkeypatch.setitem(partclipseg.__dict__, "load", lambda name, device: name)
    monkeypatch.setitem(partclipseg.__dict__, "PartPredictor", lambda model: ScriptedPredictor())
    args = arguments(tmp_path)
    request = Request.of(args)
    (tmp_path / "scratch").mkdir()
    asked = cluster.question(args, request)
    return cluster.Worker("lite", None, request, asked, str(tmp_path / "scratch"))


def test_a_worker_writes_one_file_and_tells_of_it(tmp_path: Path, worker: cluster.Worker) -> None:
    (photo,) = save_photos(tmp_path / "in", 1)
    task = cluster.Task(photo, tmp_path / "photo000.json")
    row = {"photo": task.key, "target": os.fsencode(task.target)}
    assert not task.finished(worker.asked)
    told = worker(row)
    assert told == {"photo": task.key, "parts": 1, "notes": "", "error": ""}
    assert len(Segmentation.from_json(json.loads(task.target.read_text())).parts) == 1
    assert task.finished(worker.asked)
    before = task.target.read_bytes()
    assert worker(row) == told and task.target.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"in", "scratch", "photo000.json"}
    assert not any((tmp_path / "scratch").iterdir())


def test_what_finished_means(tmp_path: Path, worker: cluster.Worker) -> None:
    photo, other = save_photos(tmp_path / "in", 2)
    task = cluster.Task(photo, tmp_path / "x.json")
    worker({"photo": task.key, "target": os.fsencode(task.target)})
    assert not task.finished(worker.asked | {"text": "wheel"}), "another question"
    assert not cluster.Task(other, task.target).finished(worker.asked), "another photo"
    later = time.time() + 60
    os.utime(photo, (later, later))
    assert not task.finished(worker.asked), "the photo was changed since"
    os.utime(photo, (1, 1))
    assert task.finished(worker.asked)
    task.target.write_text(task.target.read_text()[:-20])
    assert not task.finished(worker.asked), "half a file"


def test_a_worker_tells_what_is_wrong(tmp_path: Path, worker: cluster.Worker) -> None:
    (tmp_path / "words.jpg").write_text("words")
    (photo,) = save_photos(tmp_path / "in", 1)
    told = worker({"photo": bytes(tmp_path / "words.jpg"), "target": bytes(tmp_path / "x.json")})
    assert told["error"] == "words.jpg is not a photo; use JPEG, PNG, WebP, GIF, BMP or TIFF."
    told = worker({"photo": bytes(photo), "target": bytes(tmp_path / "no" / "x.json")})
    assert told["error"] == "its result cannot be written (No such file or directory)."
    assert not any((tmp_path / "scratch").iterdir()) and not (tmp_path / "x.json").exists()


def test_a_photo_is_never_written_over(tmp_path: Path) -> None:
    (photo,) = save_photos(tmp_path / "in", 1)
    odd = photo.rename(tmp_path / "in" / "car.json")
    (task,) = cluster._tasks([odd], tmp_path / "in")
    assert task.target.name == "car_2.json"


# With Ray


def command(out: Path, photos: list[Path], **environment: str) -> Any:
    return subprocess.Popen(
        [sys.executable, "-m", "partclipseg", "segment", *map(str, photos), "--everything",
         "--engine", "ray", "--workers", "2", "--out", str(out)],
        cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def workers(mark: str) -> list[int]:
    """Processes of Ray's that hold a model, of the command that has this in its environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            ours = mark.encode() in (folder / "environ").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::") and b"Worker" in title and ours:
            found.append(int(folder.name))
    return found


def check(out: Path, photos: list[Path]) -> None:
    """One whole file a photo and nothing else."""
    assert sorted(path.name for path in out.iterdir()) == [f"{p.stem}.json" for p in photos]
    for photo in photos:
        data = json.loads((out / f"{photo.stem}.json").read_text(encoding="utf-8"))
        assert Segmentation.from_json(data).image == photo.stem
        assert data["photo"] == str(photo.resolve())


@needs_ray
@pytest.mark.slow
@pytest.mark.checkpoint
@pytest.mark.skipif(not CHECKPOINT.exists(), reason="needs the bundled checkpoint")
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes as Linux shows them")
def test_a_worker_that_is_killed_costs_no_photo(tmp_path: Path) -> None:
    photos, out = save_photos(tmp_path / "in", 60), tmp_path / "out"
    running = command(out, photos, PARTCLIPSEG_TEST_MARK=str(tmp_path))
    until = time.monotonic() + 500
    killed = 0
    while running.poll() is None and not killed and time.monotonic() < until:
        if len(list(out.glob("*.json"))) >= 4 and (found := workers(str(tmp_path))):
            os.kill(found[0], signal.SIGKILL)
            killed = found[0]
        time.sleep(0.05)
    told, errors = running.communicate(timeout=500)
    assert killed, errors
    assert running.returncode == 0, errors
    assert told.count("parts, ") + told.count("part, ") + told.count("nothing found") == 60
    check(out, photos)

    # Again: what is there stays, what is new or broken is done, what cannot be done is listed.
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "photo007.json").write_text("half a fi")
    extra = tmp_path / "in" / "words.png"
    extra.write_text("words")
    again = command(out, [*photos, extra])
    told, errors = again.communicate(timeout=500)
    assert again.returncode == 1
    assert "59 of 61 photos were finished before." in told
    assert f"{extra} is not a photo; use " in errors
    assert "1 of 61 photos could not be done." in errors
    check(out, photos)
    after = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {path for path in after if after[path] != before[path]} == {out / "photo007.json"}
