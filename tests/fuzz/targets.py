"""Entry functions: any bytes in; an exception other than the expected one is a bug."""

import tempfile
import unicodedata
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from partclipseg import images, prompts
from partclipseg.errors import InputError
from tests.odd_files import HEIC, encoded, noise, png_header, several

LONGEST_SENTENCE = 300


def photo(data: bytes) -> None:
    """A file with these bytes is decoded to a sound photo, or refused in one sentence."""
    path = Path(_folder().name) / "upload"
    path.write_bytes(data)
    # Large photos are slow to decode and find no more than small ones.
    with patch.object(images, "MAX_PIXELS", 1_000_000), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _read(path)


def _read(path: Path) -> None:
    try:
        decoded = images.read(path, name="upload.jpg")
    except InputError as error:
        _check_sentence(error)
    else:
        height, width, channels = decoded.array.shape
        assert channels == 3 and decoded.array.dtype == np.uint8
        assert min(height, width) >= images.MIN_SIDE and height * width <= images.MAX_PIXELS
        assert decoded.alpha is None or decoded.alpha.shape == (height, width)
        assert len(decoded.digest) == 64 and decoded.name == "upload"
    try:
        assert np.isfinite(images.read_grey(path)).all()
    except InputError as error:
        _check_sentence(error)


def prompt(data: bytes) -> None:
    """A text is read into names within their limits, or refused in one sentence."""
    text = data.decode("utf-8", "surrogatepass" if data.isascii() else "replace")
    try:
        parsed = prompts.parse(text)
    except InputError as error:
        _check_sentence(error)
        return
    assert 0 < len(parsed.queries) <= prompts.MAX_NAMES and len(parsed.notes) <= 4
    assert any(query.sign > 0 for query in parsed.queries)
    for query in parsed.queries:
        for name in filter(None, (query.object, query.part)):
            assert len(name) <= prompts.MAX_NAME_LENGTH
            assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)


def _check_sentence(error: InputError) -> None:
    message = str(error)
    assert message.endswith(".") and "\n" not in message and len(message) <= LONGEST_SENTENCE


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Gone with the process, unless a decoder takes it down: then the input is still there."""
    return tempfile.TemporaryDirectory(prefix="partclipseg-fuzz-")


def photo_seeds() -> list[bytes]:
    """One small file of each format and of each oddness."""
    small = noise(24, 20)
    kinds = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
    seeds = [encoded(small, kind) for kind in kinds]
    seeds += [several(kind) for kind in ("GIF", "PNG", "WEBP", "TIFF")]
    seeds += [encoded(small.convert(mode), "TIFF") for mode in ("CMYK", "L", "1", "LAB")]
    seeds += [encoded(small.convert(mode), "PNG") for mode in ("RGBA", "P", "LA", "1")]
    seeds += [encoded(small, "TIFF", compression=name) for name in ("tiff_lzw", "jpeg", "packbits")]
    seeds += [encoded(small, "JPEG", progressive=True), encoded(small.convert("CMYK"), "JPEG")]
    exif = Image.Exif()
    exif[images.EXIF_ORIENTATION] = 6
    seeds += [encoded(small, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    return [*seeds, HEIC, png_header(500, 500), b""]


def prompt_seeds() -> list[bytes]:
    """Texts with every mark of the language."""
    texts = (
        "car: wheel, front door; dog: head, -tail", '"salt, pepper": lid\n-"hub, cap"',
        "车：轮子，门；狗：头", "“a”, b：c、d؛e", "x" * 90, ",".join(f"n{i}" for i in range(120)),
        "",
    )  # fmt: skip
    return [text.encode() for text in texts]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "photo": (photo, photo_seeds),
    "prompt": (prompt, prompt_seeds),
}
