"""The folder of uploaded and made files, kept small, also after the app was killed.

Gradio deletes the files that it remembers, and forgets them when its process ends.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

log = logging.getLogger(__name__)

EVERY = 300.0
"""Seconds between two looks."""
UNFINISHED = 3600.0
"""Seconds after which an upload that has not ended is given up."""

# What Gradio and ``wire`` call their folders, and Gradio an upload under way. Whatever else is in
# the folder is somebody else's.
_FOLDER = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_UPLOAD = re.compile(r"tmp\w{8}")


def sweep(folder: Path, seconds: float, most_bytes: int) -> int:
    """Delete files that are older, then the oldest until the rest fits.

    Args:
        seconds: how old a file may become.
        most_bytes: how large all may be together.

    Returns:
        The bytes that are left.
    """
    now = time.time()
    kept: list[tuple[float, int, Path]] = []
    for path, limit in _files(folder, seconds):
        with suppress(OSError):
            state = path.lstat()
            if now - state.st_mtime > limit:
                _delete(path, folder)
            else:
                kept.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total <= most_bytes:
            break
        with suppress(OSError):
            _delete(path, folder)
            total -= size
    return total


def sweeping(
    seconds: float, most_bytes: int, every: float | None = None
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan for the app: ``sweep`` when it starts and now and then while it runs."""

    async def look() -> None:
        while True:
            try:
                await asyncio.to_thread(sweep, Path(get_upload_folder()), seconds, most_bytes)
            except OSError as error:
                log.warning("the folder of uploads cannot be tidied: %s", error)
            await asyncio.sleep(EVERY if every is None else every)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(look())
        try:
            yield
        finally:
            task.cancel()

    return lifespan


def _files(folder: Path, seconds: float) -> Iterator[tuple[Path, float]]:
    """Every file of the app with the seconds that it may live."""
    with suppress(OSError):
        for entry in folder.iterdir():
            if _UPLOAD.fullmatch(entry.name):
                yield entry, min(seconds, UNFINISHED)
            elif _FOLDER.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
                with suppress(OSError):
                    yield from ((file, seconds) for file in entry.iterdir())
                _drop(entry)


def _delete(path: Path, folder: Path) -> None:
    path.unlink()
    if path.parent != folder:
        _drop(path.parent)


def _drop(folder: Path) -> None:
    """Remove an empty folder, unless it may just have been made for a file."""
    with suppress(OSError):
        if time.time() - folder.stat().st_ctime > UNFINISHED:
            folder.rmdir()
