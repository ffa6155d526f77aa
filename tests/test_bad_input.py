"""What is given wrongly, row by row: the sentence that tells it, word for word, or what is read.

Photos and prompts; ``test_bad_files.py`` goes on with folders, names, masks and checkpoints. Other
tests of the same subjects look at parts of sentences; this table is what a person sees.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin, features

from partclipseg import images, prompts
from partclipseg.errors import InputError
from tests.odd_files import BLUE, HEIC, RED, encoded, noise, png_header, several, text_bomb

USE = "JPEG, PNG, WebP, GIF, BMP or TIFF"


DAMAGED = "{name} is damaged or cut off and cannot be decoded."
NO_PHOTO = f"{{name}} is not a photo; use {USE}."

FILES_REFUSED: list[tuple[str, bytes | Callable[[], bytes], str]] = [
    ("empty.jpg", b"", f"{{name}} is empty; choose a {USE} file."),
    ("words.jpg", b"What a photo!\n" * 50, NO_PHOTO),
    ("page.png", b"<!doctype html><script>alert(1)</script>", NO_PHOTO),
    ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', NO_PHOTO),
    ("paper.pdf", b"%PDF-1.7\n1 0 obj\n", NO_PHOTO),
    ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", NO_PHOTO),
    ("archive.zip", b"PK\3\4" + bytes(60), NO_PHOTO),
    ("zeros.bmp", bytes(1000), NO_PHOTO),
    ("cut.jpg", lambda: encoded(noise(), "JPEG")[:-200], DAMAGED),
    ("cut.png", lambda: encoded(noise(), "PNG")[:-200], DAMAGED),
    ("cut.webp", lambda: encoded(noise(), "WEBP")[:-200], DAMAGED),
    ("cut.gif", lambda: encoded(noise(), "GIF")[:-200], DAMAGED),
    ("cut.tif", lambda: encoded(noise(), "TIFF")[:-200], DAMAGED),
    ("head.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", DAMAGED),
    ("head.png", b"\x89PNG\r\n\x1a\n", DAMAGED),
    ("flipped.png", lambda: encoded(noise(), "PNG").replace(b"IDAT", b"IDAX"), DAMAGED),
    ("comment.png", text_bomb, DAMAGED),
    ("phone.heic", HEIC, f"{{name}} is a HEIC photo, which is not read here; use {USE}."),
    ("phone.jpg", HEIC, f"{{name}} is a HEIC photo, which is not read here; use {USE}."),
    ("dot.png", lambda: encoded(noise(1, 1), "PNG"),
     "The photo is 1 x 1 pixels; it needs at least 16 on each side."),
    ("line.png", lambda: encoded(noise(1, 5000), "PNG"),
     "The photo is 1 x 5000 pixels; it needs at least 16 on each side."),
    ("strip.png", lambda: encoded(noise(16, 900), "PNG"),
     "The photo is 16 x 900 pixels, which is too narrow: one side may be at most 50 times the "
     "other."),
    ("poster.png", png_header(12000, 9000),
     "The photo is 12000 x 9000 pixels; at most 50 megapixels are accepted, so scale it down."),
    ("bomb.png", png_header(60000, 60000),
     "The photo is too large; at most 50 megapixels are accepted, so scale it down."),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("name", "data", "sentence"), FILES_REFUSED, ids=lambda v: str(v)[:12])
def test_files_that_are_refused(
    tmp_path: Path, name: str, data: bytes | Callable[[], bytes], sentence: str
) -> None:
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data())
    with pytest.raises(InputError) as told:
        images.read(tmp_path / name)
    assert str(told.value) == sentence.format(name=name)


FIRST = "Only the first frame is used."
FILES_READ: list[tuple[str, Callable[[], bytes], tuple[int, int, int], tuple[str, ...]]] = [
    ("rgb.png", lambda: encoded(Image.new("RGB", (32, 32), RED), "PNG"), RED, ()),
    ("grey.png", lambda: encoded(Image.new("L", (32, 32), 90), "PNG"), (90, 90, 90),
     ("The grey photo was converted to RGB.",)),
    ("bits.png", lambda: encoded(Image.new("1", (32, 32), 1), "PNG"), (255, 255, 255),
     ("The grey photo was converted to RGB.",)),
    ("deep.png", lambda: encoded(Image.fromarray(np.full((32, 32), 40000, np.uint16)), "PNG"),
     (156, 156, 156), ("The 16-bit grey values were scaled to 8 bit.",)),
    ("float.tif", lambda: encoded(Image.fromarray(np.eye(32, dtype=np.float32)), "TIFF"),
     (255, 255, 255), ("The grey values were scaled to 8 bit.",)),
    ("ink.jpg", lambda: encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"), RED,
     ("The photo was converted from CMYK to RGB.",)),
    ("clear.png", lambda: encoded(Image.new("RGBA", (32, 32), (*BLUE, 0)), "PNG"),
     (255, 255, 255), ("Transparent areas were filled with white.",)),
    ("opaque.png", lambda: encoded(Image.new("RGBA", (32, 32), (*BLUE, 255)), "PNG"), BLUE, ()),
    ("palette.gif", lambda: encoded(Image.new("RGB", (32, 32), RED), "GIF"), RED,
     ("The palette was converted to RGB.",)),
    ("hole.png",
     lambda: encoded(Image.new("RGB", (32, 32), RED).quantize(2), "PNG", transparency=0),
     (255, 255, 255),
     ("The palette was converted to RGB.", "Transparent areas were filled with white.")),
    ("moving.gif", lambda: several("GIF"), RED, (FIRST, "The palette was converted to RGB.")),
    ("moving.png", lambda: several("PNG"), RED, (FIRST,)),
    ("moving.webp", lambda: several("WEBP"), RED, (FIRST,)),
    ("pages.tif", lambda: several("TIFF"), RED, (FIRST,)),
    ("photo.bmp", lambda: encoded(Image.new("RGB", (32, 32), RED), "BMP"), RED, ()),
    ("photo.jp2", lambda: encoded(Image.new("RGB", (32, 32), RED), "JPEG2000"), RED, ()),
    ("wrong.txt", lambda: encoded(Image.new("RGB", (32, 32), RED), "PNG"), RED, ()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "colour", "notes"), FILES_READ, ids=lambda v: str(v)[:12])
def test_files_that_are_read(
    tmp_path: Path,
    name: str,
    data: Callable[[], bytes],
    colour: tuple[int, int, int],
    notes: tuple[str, ...],
) -> None:
    (tmp_path / name).write_bytes(data())
    photo = images.read(tmp_path / name)
    assert photo.array.shape == (32, 32, 3) and photo.array.dtype == np.uint8
    assert np.abs(photo.array[0, 0].astype(int) - colour).max() <= 8
    assert photo.notes == notes


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read_and_its_first_frame_alone(tmp_path: Path) -> None:
    (tmp_path / "still.avif").write_bytes(encoded(Image.new("RGB", (32, 32), RED), "AVIF"))
    assert images.read(tmp_path / "still.avif").notes == ()
    (tmp_path / "moving.avif").write_bytes(several("AVIF"))
    photo = images.read(tmp_path / "moving.avif")
    assert photo.notes == (FIRST,) and np.abs(photo.array.astype(int) - RED).max() <= 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_ends_upright(tmp_path: Path, orientation: int) -> None:
    """A red corner: where the camera has put it is where the viewer takes it back from."""
    places = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (-1, 0), 7: (-1, -1),
              8: (0, -1)}  # fmt: skip
    stored = np.zeros((20, 30, 3) if orientation < 5 else (30, 20, 3), np.uint8)
    row, column = places[orientation]
    stored[row, column] = RED
    exif = Image.Exif()
    exif[images.EXIF_ORIENTATION] = orientation
    Image.fromarray(stored).save(tmp_path / "x.png", exif=exif)
    photo = images.read(tmp_path / "x.png")
    assert photo.array.shape == (20, 30, 3)
    assert tuple(photo.array[0, 0]) == RED and photo.array.sum() == 255


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_frames_are_not_counted(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For these, counting walks through the whole file, in a TIFF in the square of its pages."""

    def count(self: Any) -> int:
        raise AssertionError("was counted")

    (tmp_path / "x").write_bytes(several(kind))
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "n_frames", property(count))
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile.n_frames", property(count))
    assert FIRST in images.read(tmp_path / "x").notes


FULL = np.zeros((32, 32, 3))
SHAPE = "a photo is (height, width, 3), with 4 channels for alpha or (height, width) for grey."
ARRAYS = [
    (FULL * math.nan, "The array holds NaN or infinite values; a photo has none."),
    (FULL + math.inf, "The array holds NaN or infinite values; a photo has none."),
    (FULL + 1.5, "A float array must lie in [0, 1]; use uint8 for 0 to 255."),
    (FULL - 0.1, "A float array must lie in [0, 1]; use uint8 for 0 to 255."),
    (FULL.astype(int), "The array is int64; a photo is uint8, or float in [0, 1]."),
    (FULL.astype(">u2"), "The array is >u2; a photo is uint8, or float in [0, 1]."),
    (FULL.astype(complex), "The array is complex128; a photo is uint8, or float in [0, 1]."),
    (FULL.astype(object), "The array is object; a photo is uint8, or float in [0, 1]."),
    (FULL.astype("M8[s]"), "The array is datetime64[s]; a photo is uint8, or float in [0, 1]."),
    (np.zeros((3, 32, 32), np.uint8), f"The array has shape (3, 32, 32); {SHAPE}"),
    (np.zeros((32, 32, 2), np.uint8), f"The array has shape (32, 32, 2); {SHAPE}"),
    (np.zeros((1, 32, 32, 3), np.uint8), f"The array has shape (1, 32, 32, 3); {SHAPE}"),
    (np.zeros((), np.uint8), f"The array has shape (); {SHAPE}"),
    (np.zeros((0, 0, 3), np.uint8),
     "The photo is 0 x 0 pixels; it needs at least 16 on each side."),
    (np.broadcast_to(np.uint8(0), (9000, 12000, 3)),
     "The photo is 12000 x 9000 pixels; at most 50 megapixels are accepted, so scale it down."),
    (None, "A photo is a path, a PIL image or an array, not NoneType."),
    (b"x.jpg", "A photo is a path, a PIL image or an array, not bytes."),
    ([[1, 2]], "A photo is a path, a PIL image or an array, not list."),
]  # fmt: skip


@pytest.mark.parametrize(("array", "sentence"), ARRAYS, ids=lambda v: str(v)[:12])
def test_arrays_that_are_refused(array: Any, sentence: str) -> None:
    with pytest.raises(InputError) as told:
        images.read(array)
    assert str(told.value) == sentence


# Prompts, for a photo of 40 x 30 pixels

MASK = np.ones((30, 40), bool)
SIZE = "The mask has shape {}; it must be (30, 40), the photo's height and width."
NO_NAME = (
    "There is no name to look for in the text; type for example "
    '"car: wheel, front door; dog: head".'
)
PROMPTS_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"points": [(40, 3)]},
     "The point (40, 3) lies outside the photo, which is 40 x 30 pixels."),
    ({"points": [(3, 3), (-7, 1)]},
     "The point (-7, 1) lies outside the photo, which is 40 x 30 pixels."),
    ({"points": [(math.nan, 3)]}, "The points hold NaN or infinite numbers."),
    ({"points": [(3, math.inf)]}, "The points hold NaN or infinite numbers."),
    ({"points": [(10**400, 3)]}, "The points must be numbers, one (x, y) each."),
    ({"points": "here"}, "The points must be numbers, one (x, y) each."),
    ({"points": [(1, 2, 3)]}, "The points have shape (1, 3); each is one (x, y)."),
    ({"points": [(1, 1)] * 10_000}, "There are 10000 points; at most 200 are used at once."),
    ({"points": [(1, 1)], "point_labels": [1, 0]},
     "There are 1 points but 2 point labels; give one each."),
    ({"points": [(1, 1)], "point_labels": [-1]},
     "Point labels are 1 (on the part) or 0 (not on it)."),
    ({"boxes": [(5, 5, 5, 9)]},
     "The box (5, 5, 5, 9) is empty or reversed; give the upper left corner first, then the lower "
     "right one."),
    ({"boxes": [(9, 9, 5, 5)]},
     "The box (9, 9, 5, 5) is empty or reversed; give the upper left corner first, then the lower "
     "right one."),
    ({"boxes": [(40, 0, 50, 10)]},
     "The box (40, 0, 50, 10) lies outside the photo, which is 40 x 30 pixels."),
    ({"boxes": [(1, 2, 3, math.nan)]}, "The boxes hold NaN or infinite numbers."),
    ({"boxes": [(1, 2, 3, 4)] * 51}, "There are 51 boxes; at most 50 are used at once."),
    ({"mask": np.ones((40, 30))}, SIZE.format("(40, 30)")),
    ({"mask": np.ones((0, 0))}, SIZE.format("(0, 0)")),
    ({"mask": MASK * math.nan}, "The mask holds NaN or infinite values."),
    ({"mask": MASK * 1e300}, "The mask holds NaN or infinite values."),
    ({"mask": MASK * 255}, "The mask must be boolean, or numbers from 0 to 1."),
    ({"mask": MASK.astype(object) * 10**400}, "The mask must be boolean, or numbers from 0 to 1."),
    ({"mask": ~MASK}, "The mask is empty; mark at least a few pixels."),
    ({"granularity": "tiny"}, "The granularity is 'tiny'; use whole, part or subpart."),
    ({"text": " "}, NO_NAME),
    ({"text": "\n;,:"}, NO_NAME),
    ({"text": "?!... --"}, NO_NAME),
    ({"text": "🚗, 🐕‍🦺"}, NO_NAME),
    ({"text": "-hub"}, NO_NAME),
    ({"text": "\ud800"}, NO_NAME),
    ({"text": b"car"},
     'The words must be text, not bytes; for example "car: wheel, front door; dog: head".'),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "sentence"), PROMPTS_REFUSED, ids=lambda v: str(v)[:40])
def test_prompts_that_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as told:
        prompts.validate(40, 30, **wrong)
    assert str(told.value) == sentence


PROMPTS_READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"points": [], "boxes": [], "mask": None}),
    ({"points": [], "text": ""}, {"points": [], "boxes": [], "mask": None}),
    ({"points": [(-0.5, 29.5)]}, {"points": [[-0.5, 29.5]]}),
    ({"points": [(1, 1)] * 200}, {"points": [[1, 1]] * 200}),
    ({"boxes": [(-9, -9, 99, 99)]}, {"boxes": [[0, 0, 40, 30]]}),
    ({"mask": MASK}, {"mask": MASK.astype(float).tolist()}),
]


@pytest.mark.parametrize(("given", "read"), PROMPTS_READ, ids=lambda v: str(v)[:40])
def test_prompts_that_are_read(given: dict[str, Any], read: dict[str, Any]) -> None:
    checked = prompts.validate(40, 30, **given)
    for name, expected in read.items():
        value = getattr(checked, name)
        assert (None if value is None else value.tolist()) == expected


CUT, LONG = "Only the first 20,000 characters were read.", "Names are cut after 80 characters."
TEXTS: list[tuple[str, list[str], tuple[str, ...]]] = [
    ("x" * 100_000, ["x" * 80], (CUT, LONG)),
    (", ".join(f"n{i}" for i in range(5000)), [f"n{i}" for i in range(100)],
     (CUT, "Only the first 100 of 3015 names were used.")),
    ("wheel, WHEEL; wheel", ["wheel"], ("Names that were given twice count once.",)),
    ("🚗 car: wheel 🛞", ["🚗 car: wheel 🛞"], ()),
    ("سيارة: عجلة", ["سيارة: عجلة"], ()),
    ("\u202ecar: leehw", ["\u202ecar: leehw"], ()),
    ("<img src=x onerror=alert(1)>", ["<img src=x onerror=alert(1)>"], ()),
    ("</script><script>alert(1)</script>", ["</script><script>alert(1)</script>"], ()),
    ("../../etc/passwd, C\\Windows\\x", ["/../etc/passwd", "C\\Windows\\x"], ()),
    ("None, class, lambda, inherit, __proto__, constructor, auto, url(x)",
     ["None", "class", "lambda", "inherit", "__proto__", "constructor", "auto", "url(x)"], ()),
    ("${7*6}, {{7*6}}, %s, {0}", ["${7*6}", "{{7*6}}", "%s", "{0}"], ()),
    ("'; DROP TABLE parts", ["DROP TABLE parts"], ()),
    ("wh\0eel\x1b[31m", ["wh eel [31m"], ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "labels", "notes"), TEXTS, ids=lambda v: ascii(v)[:24])
def test_texts_that_are_read(text: str, labels: list[str], notes: tuple[str, ...]) -> None:
    parsed = prompts.parse(text)
    assert [query.label for query in parsed.queries] == labels
    assert parsed.notes == notes
