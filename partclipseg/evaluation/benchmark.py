"""How fast a model is, and what it takes: medians on one photo, and the app from start to answer.

=================  ============================================================================
``encode_ms``      a photo of 448 pixels, decoded already, to everything that prompts need
``click_ms``       one click to masks at the photo's size, with their names
``names10_ms``     ten part names of one object on an encoded photo, asked again: the closer look
                   at the object is kept from the first time (``names10_first_ms``)
``everything_s``   a grid of 16 x 16 clicks, the masks sorted out and named
``label20k_ms``    one mask pooled, compared with 20,000 known names, the best five picked;
                   ``label1k_ms`` and ``label5k_ms`` show how that grows
``help_s``         ``python -m partclipseg --help``, a new process each time
``ready_s``        the app's start until its page is there; ``first_answer_s`` until a first
                   question is answered, for which the model has to be loaded
``rss_mb``         memory of the app's process, resident, after it has answered questions
``click_http_ms``  one click through the app's API on a photo that it knows: upload, masks, JSON
=================  ============================================================================

Text embeddings are known beforehand everywhere: a name is embedded once in the life of a process.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from partclipseg import images
from partclipseg.decoding import mean_vectors
from partclipseg.encoding import EncodedPhoto

if TYPE_CHECKING:
    from partclipseg.predictor import PartPredictor

SIDE = 448  # pixels, the long side of the photo
TEXT = "truck: wheel, door, window, windshield, headlight, bumper, mirror, grille, roof, fender"
COUNTS = {"label1k_ms": 1_000, "label5k_ms": 5_000, "label20k_ms": 20_000}
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "truck.jpg"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Repeats:
    """How often each question is asked; the first ``warm`` times are not counted."""

    warm: int = 3
    quick: int = 30
    slow: int = 5


@dataclass(frozen=True)
class Timing:
    """Milliseconds that one question takes.

    Attributes:
        median: what one waits, half of the times.
        best: what one waits when nothing disturbs.
        cpu: what the processors work for it, all threads and processes of ours together, the
            median. Other work on the machine hardly changes it.
    """

    median: float
    best: float
    cpu: float


def timed(ask: Callable[[], object], times: int, warm: int) -> Timing:
    """Time ``times`` calls of ``ask()`` after ``warm`` others that are not counted."""
    for _ in range(warm):
        ask()
    waited, worked = [], []
    for _ in range(times):
        began, before = time.perf_counter(), cpu_seconds()
        ask()
        waited.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (cpu_seconds() - before))
    return Timing(statistics.median(waited), min(waited), statistics.median(worked))


def cpu_seconds() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    seconds = time.process_time()
    try:
        import resource
    except ImportError:  # not on Windows
        return seconds
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds + children.ru_utime + children.ru_stime


def machine() -> dict[str, Any]:
    """What the figures depend on: processor, threads, versions, and how busy it was before."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {
        "cpu": processor(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": load,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def photo_of(path: Path | None, side: int = SIDE) -> images.Photo:
    """The photo to measure on, its long side ``side`` pixels.

    Args:
        path: a photo; None takes the truck of the examples, or grey noise where a package came
            without them.

    Raises:
        InputError: a file that is no photo.
    """
    if path is None and not EXAMPLE.is_file():
        noise = np.random.default_rng(0).integers(0, 256, (side * 3 // 4, side, 3), np.uint8)
        return images.read(noise, name="noise")
    photo = images.read(EXAMPLE if path is None else path)
    scale = side / max(photo.width, photo.height)
    size = (max(16, round(photo.width * scale)), max(16, round(photo.height * scale)))
    picture = Image.fromarray(photo.array).resize(size, Image.Resampling.LANCZOS)
    return images.read(picture, name=photo.name)


def measure_model(
    predictor: "PartPredictor",
    photo: images.Photo,
    repeats: Repeats,
    progress: Progress = lambda step: None,
) -> dict[str, Timing]:
    """The model's own times on one photo, those that end in ``_s`` in ms too."""
    quick, slow, warm = repeats.quick, repeats.slow, repeats.warm
    progress("encode")
    times = {"encode_ms": timed(lambda: predictor.encode(photo), quick, warm)}
    encoded = predictor.encode(photo)
    middle = [(encoded.photo.width / 2, encoded.photo.height / 2)]

    def click() -> object:
        return predictor.predict(points=middle, point_labels=[1], photo=encoded)

    progress("click")
    times["click_ms"] = timed(click, quick, warm)
    progress("ten names")
    times["names10_ms"] = timed(lambda: predictor.segment(TEXT, photo=encoded), quick, warm)
    times["names10_first_ms"] = timed(
        lambda: predictor.segment(TEXT, photo=_anew(encoded)), slow, warm
    )
    progress("everything")
    times["everything_s"] = timed(lambda: predictor.everything(photo=encoded), slow, 1)
    for name, count in COUNTS.items():
        progress(f"labels, {count} names")
        times[name] = measure_labels(encoded, count, repeats)
    return times


def measure_labels(encoded: EncodedPhoto, count: int, repeats: Repeats) -> Timing:
    """Naming one mask with the best five of ``count`` known names."""
    dense = encoded.full.features.part[0]
    vectors = names_of(count, dense.shape[0])
    mask = torch.zeros(1, 2 * dense.shape[1], 2 * dense.shape[2])
    mask[:, 8:40, 8:40] = 1
    return timed(lambda: label(encoded, mask, vectors), repeats.quick, repeats.warm)


def _anew(encoded: EncodedPhoto) -> EncodedPhoto:
    """The same encoded photo without the closer looks that it has kept."""
    return EncodedPhoto(encoded.photo, encoded.full, encoded.model)


def names_of(count: int, width: int) -> Tensor:
    """``(count, width)`` random unit vectors that stand for the embeddings of known names.

    What is measured depends on their number and width only.
    """
    made = torch.randn(count, width, generator=torch.Generator().manual_seed(count))
    return torch.nn.functional.normalize(made, dim=-1)


@torch.inference_mode()
def label(encoded: EncodedPhoto, mask: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Pool ``(1, H/4, W/4)`` and compare it with ``(N, D)`` names: the best five, with cosines."""
    pooled = mean_vectors(encoded.full.features.part[0], mask)
    best = torch.topk(vectors @ pooled[0], 5)
    return best.values, best.indices


def measure_help(times: int) -> Timing:
    """What the command line takes to explain itself, a new process each time."""
    command = [sys.executable, "-m", "partclipseg", "--help"]

    def ask() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=EXAMPLE.parents[1])  # noqa: S603 - our own command

    return timed(ask, times, 1)


def as_json(times: Mapping[str, Timing]) -> dict[str, Any]:
    """Medians by name, in the unit that the name ends in; the rest in ``best``, ``cpu_time``."""

    def unit(name: str, milliseconds: float) -> float:
        return round(milliseconds / 1000 if name.endswith("_s") else milliseconds, 4)

    return {
        **{name: unit(name, timing.median) for name, timing in times.items()},
        "best": {name: unit(name, timing.best) for name, timing in times.items()},
        "cpu_time": {name: unit(name, timing.cpu) for name, timing in times.items()},
    }


def rows(figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """``(what, median, best, processor time)`` with units, for every figure of the JSON."""
    named = {
        "encode_ms": "encode a photo",
        "click_ms": "one click",
        "names10_ms": "10 names, asked again",
        "names10_first_ms": "10 names, the first time",
        "everything_s": "everything (16 x 16 clicks)",
        "label1k_ms": "label a mask, 1,000 names",
        "label5k_ms": "label a mask, 5,000 names",
        "label20k_ms": "label a mask, 20,000 names",
        "click_http_ms": "one click over HTTP",
        "help_s": "--help",
        "ready_s": "app's page",
        "first_answer_s": "app's first answer",
        "rss_mb": "app's memory",
    }
    best, cpu = figures.get("best", {}), figures.get("cpu_time", {})
    return [
        (words, *(_with_unit(key, source) for source in (figures, best, cpu)))
        for key, words in named.items()
        if figures.get(key) is not None
    ]


def _with_unit(key: str, source: Mapping[str, Any]) -> str:
    unit = key.rpartition("_")[2]
    if key not in source:
        return ""
    return f"{source[key]:.0f} MB" if unit == "mb" else f"{source[key]:.2f} {unit}"
