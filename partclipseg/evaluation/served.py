"""The app as a visitor meets it: started in a process of its own and asked over HTTP."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from partclipseg import images
from partclipseg.errors import PartCLIPSegError

PATIENCE = 180.0  # seconds
APP = """
from partclipseg import studio
settings = studio.Settings.from_environment()
studio.build(settings).launch(**studio.launch_kwargs(settings))
"""


def measure_app(model: str, photo: images.Photo, clicks: int) -> dict[str, float]:
    """``ready_s``, ``first_answer_s``, ``click_http_ms`` and, on Linux, ``rss_mb``.

    Args:
        model: name for ``partclipseg.load``.
        photo: what the app is asked about.
        clicks: how many clicks are timed, each at a place of its own: the app remembers answers.

    Raises:
        PartCLIPSegError: the app ends or does not answer in three minutes.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photo.png"
        Image.fromarray(photo.array).save(file)
        began = time.perf_counter()
        with _running(model, Path(folder)) as (process, address):
            _wait_for(address, process)
            figures = {"ready_s": time.perf_counter() - began}
            ask = _questions(address, file)
            ask("/segment_text", "truck: wheel, door")
            figures["first_answer_s"] = time.perf_counter() - began
            figures["click_http_ms"] = statistics.median(
                ask("/segment_prompts", [[x, y, 1]], [], "") for x, y in _places(photo, clicks)
            )
            ask("/everything", "")
            memory = resident_mb(process.pid)
            return figures | ({} if memory is None else {"rss_mb": memory})


def resident_mb(process: int | str = "self", field: str = "VmRSS") -> float | None:
    """Memory of a process in MB (10^6 bytes) as Linux counts it, None on other systems.

    Args:
        field: ``VmRSS`` for now, ``VmHWM`` for the most that it ever was.
    """
    status = Path(f"/proc/{process}/status")
    if not status.is_file():
        return None
    for line in status.read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    return None


@contextmanager
def _running(model: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The app on a free port of this machine, ended when the block is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "cache"),
        "PARTCLIPSEG_MODEL": model,
    }
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", APP],
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise PartCLIPSegError("The app ended before it answered; python app.py says why.")
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise PartCLIPSegError(f"The app did not answer within {PATIENCE:.0f} seconds.")


def _questions(address: str, file: Path) -> Any:
    """A function ``(endpoint, ...) -> milliseconds`` that asks about a photo file."""
    from gradio_client import Client, handle_file

    client = Client(address, verbose=False, analytics_enabled=False)

    def ask(endpoint: str, *question: Any) -> float:
        began = time.perf_counter()
        client.predict(handle_file(file), *question, api_name=endpoint)
        return 1000 * (time.perf_counter() - began)

    return ask


def _places(photo: images.Photo, count: int) -> Iterator[tuple[float, float]]:
    """Points along the middle line of a photo, all different."""
    for i in range(count):
        yield (i + 1) / (count + 1) * photo.width, photo.height / 2
