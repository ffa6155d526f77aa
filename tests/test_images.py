"""Any photo comes out as upright RGB on white, or is refused in one sentence."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from partclipseg import images
from partclipseg.errors import InputError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners() -> np.ndarray:
    """40 x 24 pixels, every quarter in another colour."""
    array = np.zeros((24, 40, 3), np.uint8)
    array[:12, :20], array[:12, 20:], array[12:, :20], array[12:, 20:] = RED, GREEN, BLUE, WHITE
    return array


def noise(height: int = 64, width: int = 64) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def refusal(source: Any, **options: Any) -> str:
    """The message, after checking that it is one sentence for a person."""
    with pytest.raises(InputError) as caught:
        images.read(source, **options)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and "\0" not in message
    return message


def test_a_plain_photo_is_left_as_it_is(tmp_path: Path) -> None:
    photo = images.read(saved(Image.fromarray(corners()), tmp_path / "four corners.png"))
    assert (photo.array == corners()).all()
    assert (photo.width, photo.height, photo.name) == (40, 24, "four corners")
    assert photo.notes == () and photo.alpha is None
    assert photo.array.dtype == np.uint8 and photo.array.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        photo.array[0, 0] = 0


def test_the_digest_tells_pixels_and_shape_apart_but_not_sources(tmp_path: Path) -> None:
    array = corners()
    changed = array.copy()
    changed[5, 7, 1] ^= 1
    from_file = images.read(saved(Image.fromarray(array), tmp_path / "a.png"))
    assert from_file.digest == images.read(array).digest == images.read(array, name="b").digest
    others = [changed, array.reshape(48, 20, 3), array[:, ::-1]]
    assert len({images.read(a).digest for a in [array, *others]}) == 4


# How a camera stores the upright photo for each orientation: what a viewer has to undo.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_exif_orientation(tmp_path: Path, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[images.EXIF_ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](corners())))
    photo = images.read(saved(stored, tmp_path / f"x.{kind}", exif=exif))
    assert photo.array.shape == (24, 40, 3)
    difference = np.abs(photo.array.astype(int) - corners())
    assert difference[4:-4, 4:-4].mean() < (1 if kind == "png" else 12)
    assert len(photo.notes) == (orientation != 1)
    assert all("EXIF" in note for note in photo.notes)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[images.EXIF_ORIENTATION] = orientation
    photo = images.read(saved(Image.fromarray(corners()), tmp_path / "x.png", exif=exif))
    assert (photo.array == corners()).all() and photo.notes == ()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / "x.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert images.read(path).array.shape == (64, 64, 3)


def test_transparency_becomes_white_and_is_kept_beside() -> None:
    rgba = np.dstack([corners(), np.full((24, 40), 255, np.uint8)])
    rgba[:, :10, 3] = 0
    rgba[0, 10:20, 3] = 128
    photo = images.read(rgba)
    assert (photo.array[:, :10] == 255).all()
    assert photo.array[0, 15].tolist() == pytest.approx([255, 127, 127], abs=1)
    assert (photo.array[1:, 10:] == corners()[1:, 10:]).all()
    assert photo.alpha is not None
    assert not photo.alpha[:, :10].any() and photo.alpha[:, 10:].all()
    assert photo.notes == ("Transparent areas were filled with white.",)


def test_an_alpha_channel_that_hides_nothing_is_none() -> None:
    photo = images.read(np.dstack([corners(), np.full((24, 40), 255, np.uint8)]))
    assert photo.alpha is None and photo.notes == () and (photo.array == corners()).all()


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.fromarray(corners()).quantize(4)
    index = int(np.asarray(image)[0, 0])  # of red
    photo = images.read(saved(image, tmp_path / "x.png", transparency=index))
    assert photo.alpha is not None
    assert (photo.array[:12, :20] == 255).all() and not photo.alpha[:12, :20].any()
    assert (photo.array[12:, :20] == BLUE).all() and photo.alpha[12:].all()
    assert len(photo.notes) == 2 and "palette" in photo.notes[0] and "white" in photo.notes[1]


@pytest.mark.parametrize("kind", ["png", "tif", "array"])
def test_a_16_bit_grey_ramp_keeps_its_scale(tmp_path: Path, kind: str) -> None:
    ramp = np.repeat(np.linspace(0, 65535, 256).astype(np.uint16)[None], 20, axis=0)
    source = ramp if kind == "array" else saved(Image.fromarray(ramp), tmp_path / f"x.{kind}")
    photo = images.read(source)
    assert photo.array.mean() == pytest.approx(127.5, abs=0.6)
    assert (np.diff(photo.array[0, :, 0].astype(int)) >= 0).all()
    assert len(photo.notes) == 1 and "16-bit grey" in photo.notes[0]


def test_a_12_bit_sensor_in_a_16_bit_file_is_not_black() -> None:
    ramp = np.repeat(np.linspace(0, 4095, 256).astype(np.uint16)[None], 20, axis=0)
    assert images.read(ramp).array.mean() == pytest.approx(127.5, abs=0.6)


def test_16_bit_colours_are_reduced(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = (b"\0" + struct.pack(">HHH", 0x8040, 0xFFFF, 0) * 20) * 20
    path = tmp_path / "x.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    photo = images.read(path)
    assert (photo.array == (128, 255, 0)).all()
    assert photo.notes == ("The 16-bit colours were reduced to 8 bit.",)


def test_cmyk_red(tmp_path: Path) -> None:
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    photo = images.read(saved(image, tmp_path / "x.jpg", quality=95))
    assert np.abs(photo.array.astype(int) - RED).max() <= 6
    assert len(photo.notes) == 1 and "CMYK" in photo.notes[0]


@pytest.mark.parametrize("kind", ["gif", "webp", "tif"])
def test_only_the_first_frame(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, GREEN, BLUE)]
    path = saved(frames[0], tmp_path / f"x.{kind}", save_all=True, append_images=frames[1:])
    photo = images.read(path)
    assert np.abs(photo.array.astype(int) - RED).max() <= 8
    assert "Only the first frame is used." in photo.notes


def test_an_image_of_the_caller_stays_at_its_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, GREEN, BLUE)]
    path = saved(frames[0], tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with Image.open(path) as image:
        image.seek(2)
        assert (images.read(image).array == RED).all()
        assert image.tell() == 2 and image.convert("RGB").getpixel((5, 5)) == BLUE


def test_grey_photos_are_told() -> None:
    for source in (np.full((20, 20), 7, np.uint8), np.full((20, 20, 1), 7, np.uint8)):
        photo = images.read(source)
        assert (photo.array == 7).all()
        assert photo.notes == ("The grey photo was converted to RGB.",)
    assert (images.read(np.ones((20, 20), bool)).array == 255).all()
    assert (images.read(np.full((20, 20, 3), 0.5, np.float32)).array == 128).all()


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "gif", "tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_cut_off_files(tmp_path: Path, kind: str, share: float) -> None:
    path = saved(noise(), tmp_path / f"x.{kind}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert f"x.{kind} is damaged" in refusal(path)


def test_files_that_are_no_photos(tmp_path: Path) -> None:
    def file(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    assert "empty.png is empty" in refusal(file("empty.png", b""))
    assert "text.jpg is not a photo" in refusal(file("text.jpg", b"What a photo!\n" * 50))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n"
    assert "x.eps is not a photo" in refusal(file("x.eps", eps))
    assert "x.png is not a photo" in refusal(file("x.png", eps))
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200
    assert "HEIC" in refusal(file("x.heic", heic)) and "JPEG" in refusal(file("y.jpg", heic))
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_told_from_heic_by_all_its_brands(tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / "x.avif")
    data = bytearray(path.read_bytes())
    data[8:12] = b"mif1"
    path.write_bytes(data)
    assert images.read(path).array.shape == (64, 64, 3)
    path.write_bytes(data[: len(data) // 2])
    assert "x.avif is damaged" in refusal(path)
    path.write_bytes(data[:40])
    assert "x.avif is damaged" in refusal(path)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    assert "missing.jpg cannot be read: No such file" in refusal(tmp_path / "missing.jpg")
    assert "cannot be read" in refusal("a\0b")
    assert "cannot be read" in refusal("x" * 5000 + ".jpg")
    assert len(refusal("x" * 5000 + ".jpg")) < 300
    assert "cannot be read" in refusal("\ud800.jpg")
    refusal("")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "pipe.jpg is not a file" in refusal(tmp_path / "pipe.jpg")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((1, 1), "at least 16"),
        ((1, 2000), "at least 16"),
        ((2000, 15), "at least 16"),
        ((16, 801), "too narrow"),
    ],
)
def test_sizes_that_are_refused(tmp_path: Path, size: tuple[int, int], words: str) -> None:
    message = refusal(saved(Image.new("RGB", size), tmp_path / "x.png"))
    assert words in message and f"{size[0]} x {size[1]}" in message
    assert refusal(np.zeros((size[1], size[0], 3), np.uint8)) == message


def test_the_least_sizes_are_taken() -> None:
    for height, width in ((16, 16), (16, 800), (800, 16)):
        assert images.read(np.zeros((height, width, 3), np.uint8)).array.shape[:2] == (
            height,
            width,
        )


@pytest.mark.parametrize(("width", "height"), [(7100, 7100), (60_000, 60_000)])
def test_large_photos_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    ihdr = b"IHDR" + header
    path = tmp_path / "x.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
        + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )  # fmt: skip

    def decode(self: Image.Image) -> None:
        raise AssertionError("was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    assert "50 megapixels" in refusal(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((20, 20, 3), np.nan), "NaN"),
        (np.full((20, 20, 3), np.inf), "infinite"),
        (np.full((20, 20, 3), 1.5), r"[0, 1]"),
        (np.full((20, 20, 3), -0.1), r"[0, 1]"),
        (np.zeros((20, 20, 3), np.int64), "int64"),
        (np.zeros((20, 20, 3), np.uint16), "uint16"),
        (np.zeros((20, 20, 3), complex), "complex"),
        (np.full((20, 20, 3), "x"), "uint8"),
        (np.zeros((3, 20, 20), np.uint8), "(3, 20, 20)"),
        (np.zeros((1, 20, 20, 3), np.uint8), "(1, 20, 20, 3)"),
        (np.zeros(400, np.uint8), "(400,)"),
        (np.zeros((0, 0, 3), np.uint8), "0 x 0"),
    ],
)
def test_arrays_that_are_no_photos(array: np.ndarray, words: str) -> None:
    assert words in refusal(array)


@pytest.mark.parametrize("source", [None, 3, b"x.jpg", io.BytesIO(), [[1, 2], [3, 4]]])
def test_other_things_are_refused(source: Any) -> None:
    assert type(source).__name__ in refusal(source)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("beach.JPG", "beach"),
        ("v1.2", "v1.2"),
        ("../../etc/passwd", "passwd"),
        ("صورة.png", "صورة"),
        ("", "photo"),
        (None, "photo"),
    ],
)
def test_names(name: str | None, expected: str) -> None:
    assert images.read(corners(), name=name).name == expected


def test_messages_call_an_upload_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "tmp123").write_text("no photo")
    message = refusal(tmp_path / "tmp123", name="holiday.jpg")
    assert message.startswith("holiday.jpg ") and "tmp123" not in message


def test_pillow_images_of_any_mode() -> None:
    for mode in (
        "1",
        "L",
        "LA",
        "La",
        "P",
        "RGB",
        "RGBA",
        "RGBa",
        "CMYK",
        "YCbCr",
        "HSV",
        "F",
        "I",
    ):
        photo = images.read(Image.new(mode, (20, 20)))
        assert photo.array.shape == (20, 20, 3), mode
        assert (not photo.notes) == (mode == "RGB"), mode
