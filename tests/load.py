"""Many users at once, each with a photo of their own: ``python -m tests.load``.

The app runs in a process of its own on this machine. What every user is told is compared with what
a second app, which nobody else asks, tells the same user.
"""

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from partclipseg.evaluation.served import resident_mb

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 900.0  # seconds; a busy machine is no failure
SERVER = """
import os, sys
sys.path[:0] = ["tests"]
from partclipseg import studio
from partclipseg.studio import disk
disk.EVERY = 1.0
settings = studio.Settings.from_environment()
load = None
if settings.model == "scripted":
    from scripted_studio import ScriptedPredictor
    load = lambda: ScriptedPredictor(pause=float(os.environ.get("LOAD_PAUSE", "0")))
studio.build(settings, load=load).launch(quiet=True, **studio.launch_kwargs(settings))
"""
WORDS = ("wheel", "front door", "headlight", "roof", "handle", "window")

Question = tuple[str, dict[str, Any]]
"""An endpoint and its arguments, without the photo."""


@dataclass
class Report:
    """What came of a run.

    Attributes:
        answers: (user, number of the question) -> answer as JSON.
        errors: what went wrong, one line each.
        seconds: of every answer.
    """

    answers: dict[tuple[int, int], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def mixed(self, alone: "Report") -> list[tuple[int, int]]:
        """Questions that were answered otherwise than to a user who was alone."""
        return [key for key, told in self.answers.items() if alone.answers[key] != told]

    def percentile(self, share: float) -> float:
        """Seconds within which that share of the answers came."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


@dataclass(frozen=True)
class App:
    """An app in a process of its own.

    Attributes:
        folder: holds ``cache`` (its files), ``tmp`` and ``home``.
    """

    url: str
    process: subprocess.Popen[bytes]
    folder: Path

    def files(self, *below: str) -> list[Path]:
        """All files under some of its folders."""
        return [p for name in below for p in (self.folder / name).rglob("*") if p.is_file()]


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[App]:
    """An app on a free port of this machine, ended when the block is left.

    Args:
        folder: where all that it writes has to go.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("cache", "tmp", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    own = {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "cache"),
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "home"),
        "MPLCONFIGDIR": str(folder / "fonts"),
    }
    log = (folder / "log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=ROOT, env=os.environ | own | environment,
        stdout=log, stderr=log,
    )  # fmt: skip
    app = App(f"http://127.0.0.1:{port}", process, folder)
    try:
        _wait_for(app)
        yield app
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait_for(app: App) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if app.process.poll() is not None:
            raise RuntimeError((app.folder / "log").read_text(encoding="utf-8")[-2000:])
        try:
            with urllib.request.urlopen(f"{app.url}/config", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"the app did not answer within {PATIENCE:.0f} seconds")


def photo_of(folder: Path, user: int) -> Path:
    """A photo that no other user has, in size and in content."""
    path = folder / f"user{user}.png"
    if not path.exists():
        width, height = 160 + 8 * user, 120 + 6 * ((5 * user) % 17)
        values = np.random.default_rng(user).integers(0, 256, (height, width, 3), np.uint8)
        rows, columns = np.mgrid[:height, :width]
        disc = np.hypot(columns - width / 2, rows - height / 2) < 20 + user
        values[disc] = (10 * user % 256, 40, 200)
        Image.fromarray(values).save(path)
    return path


def questions(user: int, count: int) -> list[Question]:
    """What a user asks: words, clicks, boxes, everything, no two alike."""
    chance = random.Random(user)
    asked: list[Question] = []
    for number in range(count):
        words = ", ".join(chance.sample(WORDS, 2))
        x, y = chance.randint(20, 120), chance.randint(20, 100)
        asked.append(
            [
                ("/segment_text", {"text": f"car{number}: {words}"}),
                ("/segment_prompts", {"points": [[x, y, 1]], "text": f"car: part {number}"}),
                ("/segment_prompts", {"boxes": [[x, y, x + 20, y + 10 + number / 10]]}),
                ("/everything", {"text": f"car: {words}, part {number}"}),
            ][number % 4]
        )
    return asked


def ask_all(
    url: str, users: Sequence[int], actions: int, photos: Path, *, together: bool
) -> Report:
    """Every user asks their questions in order, all users at the same time or one by one."""
    report, lock = Report(), threading.Lock()
    clients = {user: Client(url, verbose=False, analytics_enabled=False) for user in users}

    def visit(user: int) -> None:
        photo = handle_file(str(photo_of(photos, user)))
        for number, (endpoint, arguments) in enumerate(questions(user, actions)):
            began = time.perf_counter()
            try:
                told = clients[user].predict(photo=photo, **arguments, api_name=endpoint)
            except Exception as error:
                with lock:
                    report.errors.append(f"user {user}, {endpoint}: {error}")
                continue
            with lock:
                report.seconds.append(time.perf_counter() - began)
                report.answers[user, number] = json.dumps(told, sort_keys=True)

    for user in users:
        photo_of(photos, user)
    with ThreadPoolExecutor(len(users) if together else 1) as pool:
        list(pool.map(visit, users))
    return report


@contextmanager
def stalled(url: str, count: int) -> Iterator[None]:
    """Clients that begin an upload, or listen to answers, and then do nothing more."""
    port = int(url.rsplit(":", 1)[1])
    upload = (
        "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: "
        'form-data; name="files"; filename="a.png"\r\n\r\n'
    )
    listen = "GET /gradio_api/heartbeat/{} HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        for number in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            text = upload + "x" * 1000 if number % 2 else listen.format(f"stalled{number}")
            client.sendall(text.encode())
        yield


def main() -> int:
    """0 where no answer failed and none was mixed up."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--users", type=int, default=16, metavar="N")
    parser.add_argument("--actions", type=int, default=30, metavar="N", help="of every user")
    parser.add_argument("--stalled", type=int, default=20, metavar="N", help="clients that stall")
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="further actions")
    parser.add_argument("--model", default="scripted", help="scripted (default), lite, ...")
    args = parser.parse_args()
    users = range(args.users)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "photos").mkdir()
        model = {"PARTCLIPSEG_MODEL": args.model}
        with running(root / "alone", **model) as app:
            alone = ask_all(app.url, users, args.actions, root / "photos", together=False)
        with running(root / "many", **model) as app, stalled(app.url, args.stalled):
            many = ask_all(app.url, users, args.actions, root / "photos", together=True)
        mixed = many.mixed(alone)
        print(f"{len(many.answers)} answers to {args.users} users beside {args.stalled} that stall")
        print(f"errors: {len(many.errors)}, mixed up: {len(mixed)}", *many.errors[:5], sep="\n")
        for name, report in (("alone", alone), ("together", many)):
            print(
                f"{name}: median {statistics.median(report.seconds):.3f} s, "
                f"p95 {report.percentile(0.95):.3f} s, most {max(report.seconds):.3f} s"
            )
        if args.soak:
            soak(root, args.soak, model)
    return int(bool(alone.errors or many.errors or mixed))


@dataclass(frozen=True)
class Soaked:
    """What a long run has left.

    Attributes:
        growth_mb: of memory, from a quarter of the way on; None where it cannot be measured.
        disk_mb: most that the files of the app have taken.
        outside: files that lie elsewhere.
    """

    growth_mb: float | None
    disk_mb: float
    outside: list[Path]
    errors: list[str]


def soak(root: Path, actions: int, environment: dict[str, str], users: int = 4) -> Soaked:
    """Ask for long, with ever new photos, and see what grows."""
    (root / "soaked").mkdir()
    errors: list[str] = []
    before: float | None = None
    most = 0.0
    with running(root / "soak", PARTCLIPSEG_DISK_MB="2", **environment) as app:
        rounds = max(4, actions // (users * 4))
        for turn in range(rounds):
            if turn == rounds // 4:
                before = resident_mb(app.process.pid)
            some = range(turn * users, (turn + 1) * users)
            report = ask_all(app.url, some, 4, root / "soaked", together=True)
            errors += report.errors
            most = max(most, sum(p.stat().st_size for p in app.files("cache")) / 1e6)
        after = resident_mb(app.process.pid)
        outside = app.files("tmp", "home")
    growth = None if before is None or after is None else after - before
    grown = "unknown" if growth is None else f"{growth:.1f} MB"
    print(
        f"soak: {rounds * users * 4} actions, {len(errors)} errors, memory grew by {grown} after "
        f"the first quarter, at most {most:.1f} MB of files, {len(outside)} files elsewhere"
    )
    return Soaked(growth, most, outside, errors)


if __name__ == "__main__":
    sys.exit(main())
