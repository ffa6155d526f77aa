"""``segment --engine ray``: photos shared among the workers of a Ray cluster, or of this machine.

Every photo has one file, ``NAME.json``, written under another name first. Where it is the answer to
the same question and no older than the photo, the photo is finished: a run that was stopped goes on
when the same command is given again, and a photo that two workers got, since one of them died, has
still one file.
"""

import argparse
import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partclipseg.cli import options
from partclipseg.cli.outputs import as_json, complaint, explained, line, output_stems
from partclipseg.errors import InputError

if TYPE_CHECKING:
    from partclipseg.cli.segment import Request

SCRATCH = ".partclipseg-ray-"
TRIES = 3
"""How often a photo is given to another worker after one that died of it."""


@dataclass(frozen=True)
class Task:
    """A photo and the file that it gets."""

    photo: Path
    target: Path

    @property
    def key(self) -> bytes:
        """The photo's whole path; names of files need not be text."""
        return os.fsencode(os.path.realpath(self.photo))

    def finished(self, asked: Mapping[str, Any]) -> bool:
        """Whether the file answers that question about the photo as it is now."""
        try:
            data = json.loads(self.target.read_text(encoding="utf-8"))
            newer = self.target.stat().st_mtime >= self.photo.stat().st_mtime
            return bool(newer and data["asked"] == asked and data["photo"] == _text(self.key))
        except (OSError, ValueError, KeyError, TypeError):
            return False


def run(args: argparse.Namespace, request: "Request", photos: Sequence[Path]) -> int:
    """Do every photo that can be done and is not; returns the exit code."""
    from partclipseg.cli.segment import closing, progress

    ray = _ray()
    folder = options.writable_folder(args.out).resolve()
    options.predictor(argparse.Namespace(model=args.model, device="cpu"))  # is there such a one?
    asked = question(args, request)
    tasks = {t.key: t for t in _tasks(photos, folder)}
    todo = {key: task for key, task in tasks.items() if not task.finished(asked)}
    failed = 0
    with progress(len(tasks)) as bar:
        bar.update(len(tasks) - len(todo))
        if len(todo) < len(tasks):
            bar.write(f"{len(tasks) - len(todo)} of {len(tasks)} photos were finished before.")
        with _scratch(folder) as scratch, _cluster(ray, args.workers):
            waiting = dict(todo)
            try:
                for row in _rows(ray, args, (request, asked, str(scratch)), todo.values()):
                    task = waiting.pop(row["photo"], None)
                    if task is None:  # told twice
                        continue
                    failed += bool(row["error"])
                    _tell(bar, task, row)
                    bar.update()
            except Exception as error:  # the cluster is gone; what is done is done
                bar.write(f"partclipseg: Ray gave up ({_first_line(error)}).", file=sys.stderr)
            for task in waiting.values():  # their workers died, some of them after the writing
                if not task.finished(asked):
                    failed += 1
                    bar.write(complaint(task.photo, LOST), file=sys.stderr)
                bar.update()
    return closing(failed, len(tasks))


LOST = "its worker ended before it was done; give the same command again."


def question(args: argparse.Namespace, request: "Request") -> dict[str, Any]:
    """What is asked of every photo, as the files keep it."""
    mask = None if request.mask is None else hashlib.sha256(request.mask.tobytes()).hexdigest()
    asked = {
        "model": args.model, "text": request.text, "points": request.points,
        "boxes": request.boxes, "mask": mask, "everything": request.everything,
        "granularity": request.granularity, "threshold": request.threshold,
    }  # fmt: skip
    return dict(json.loads(as_json(asked)))  # as it will be read


class Worker:
    """One model; every call does one photo. Lives in a process of Ray's."""

    def __init__(
        self, model: str, device: str | None, request: "Request", asked: dict[str, Any],
        scratch: str,
    ) -> None:  # fmt: skip
        self.request, self.asked, self.scratch = request, asked, Path(scratch)
        self.failure = ""
        try:
            self.predictor = options.predictor(argparse.Namespace(model=model, device=device))
        except Exception as error:  # told for each photo: raised here, it would be tried for ever
            self.failure = explained(error)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """{photo, target} -> {photo, parts, notes, error}; the file is written by then."""
        answer = {"photo": row["photo"], "parts": 0, "notes": "", "error": self.failure}
        if self.failure:
            return answer
        try:
            encoded = self.predictor.encode(Path(os.fsdecode(row["photo"])))
            found = self.request.ask(self.predictor, encoded)
            notes = [*encoded.photo.notes, *found.messages]
            own = {"photo": _text(row["photo"]), "asked": self.asked}
            self._write(Path(os.fsdecode(row["target"])), as_json(found.to_json() | own))
            return answer | {"parts": len(found.parts), "notes": "\n".join(notes)}
        except Exception as error:
            # Whatever is wrong with one photo must not cost the others theirs.
            return answer | {"error": explained(error)}

    def _write(self, target: Path, data: bytes) -> None:
        temporary = self.scratch / uuid.uuid4().hex
        try:
            temporary.write_bytes(data)
            temporary.replace(target)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise InputError(f"its result cannot be written ({error.strerror}).") from error


def _tasks(photos: Sequence[Path], folder: Path) -> Iterator[Task]:
    inputs = {os.path.realpath(photo).casefold() for photo in photos}
    for photo, stem in zip(photos, output_stems(photos), strict=True):
        target, number = folder / f"{stem}.json", 1
        while os.path.realpath(target).casefold() in inputs:  # a photo that is called .json
            number += 1
            target = folder / f"{stem}_{number}.json"
        yield Task(photo, target)


def _rows(
    ray: Any, args: argparse.Namespace, arguments: tuple[Any, ...], tasks: Any
) -> Iterator[dict[str, Any]]:
    """What the workers tell of the photos, in the order in which they are done."""
    items = [{"photo": t.key, "target": os.fsencode(t.target)} for t in tasks]
    if not items:
        return
    graphics = ray.cluster_resources().get("GPU", 0)
    wanted = args.device is None or args.device.startswith("cuda")
    done = ray.data.from_items(items, override_num_blocks=min(len(items), 10_000)).map(
        Worker,
        fn_constructor_args=(args.model, args.device, *arguments),
        compute=ray.data.ActorPoolStrategy(size=min(args.workers, len(items))),
        num_cpus=1,
        num_gpus=min(1, graphics / args.workers) if wanted else 0,
        max_restarts=-1,
        max_task_retries=TRIES,
    )
    yield from done.iter_rows()


def _tell(bar: Any, task: Task, row: Mapping[str, Any]) -> None:
    if row["error"]:
        bar.write(complaint(task.photo, row["error"]), file=sys.stderr)
    else:
        bar.write(line(task.photo, row["parts"], task.target, row["notes"].splitlines()))


def _ray() -> Any:
    """The module, told to be quiet and to report nothing to anyone.

    Raises:
        InputError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(
            "Ray is not installed: pip install -r requirements-ray.txt, or leave out --engine ray."
        ) from error
    return ray


@contextmanager
def _cluster(ray: Any, workers: int) -> Iterator[None]:
    """The cluster that ``RAY_ADDRESS`` names, or one of this machine, which ends with the block."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    here = {"address": "local", "num_cpus": workers + 1, "include_dashboard": False}
    try:
        ray.init(**quiet, **({} if os.environ.get("RAY_ADDRESS") else here))
    except Exception as error:  # whatever a cluster that is not there makes it raise
        raise InputError(f"Ray could not be started ({_first_line(error)}).") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a photo that kills its workers is listed; the rest is done
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Where files are written before they get their names: on the same disk, gone at the end."""
    from partclipseg.exports.names import ABANDONED

    for old in folder.glob(f"{SCRATCH}*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > ABANDONED:
                shutil.rmtree(old, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _text(path: bytes) -> str:
    return path.decode("utf-8", "replace")
