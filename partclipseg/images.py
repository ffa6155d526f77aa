"""Any photo -> upright RGB uint8, with its limits checked."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from partclipseg.errors import InputError

MIN_SIDE = 16
MAX_ASPECT = 50
MAX_PIXELS = 50_000_000
FORMATS = "JPEG, PNG, WebP, GIF, BMP or TIFF"
# Named one by one: Pillow would hand PostScript to an interpreter outside of this process.
DECODERS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF")
SUFFIXES = {
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm",
}  # fmt: skip
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
# A file that starts like one of these and cannot be opened is a damaged photo, not another thing.
PHOTO_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
DEEP_COLOUR = "(RGB[AaX]*|LA|CMYK);16"  # among the names of Pillow's decoders
EXIF_ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        array: (H, W, 3) uint8 RGB, contiguous, read-only.
        name: stem of its file, "photo" where there is none.
        notes: one sentence for each thing that was converted.
        digest: SHA-256 of size and pixels, in hex.
        alpha: (H, W) bool, True = visible; None where the photo has no transparency.
    """

    array: np.ndarray = field(repr=False, compare=False)
    name: str
    notes: tuple[str, ...]
    digest: str
    alpha: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.array.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.array.shape[0])


def read(source: str | Path | Image.Image | np.ndarray, *, name: str | None = None) -> Photo:
    """Decode a photo.

    Args:
        source: a file, a PIL image, or an array: (H, W, 3) or (H, W, 4) or (H, W), uint8, or float
            in [0, 1].
        name: what to call it, e.g. the name of an uploaded file, whose ending is dropped.

    Raises:
        InputError: not a photo, damaged, too small, too narrow or too large.
    """
    if isinstance(source, str | Path):
        return _read_file(Path(source), name)
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    if not isinstance(source, Image.Image):
        raise InputError(
            f"A photo is a path, a PIL image or an array, not {type(source).__name__}."
        )
    frame = source.tell()
    try:
        return _finish(source, _stem(name), printable(name or "The photo"))
    finally:
        if source.tell() != frame:  # the caller's image stays where it was
            source.seek(frame)


def read_grey(path: Path) -> np.ndarray:
    """Brightness of a picture, upright: (H, W) float32 in the file's own scale.

    Raises:
        InputError: not a picture, damaged, too small, too narrow or too large, or not finite.
    """
    shown = printable(path.name or str(path))
    with _file(path, shown) as file:
        image = _open(file, shown)
        _check_size(*image.size)
        try:
            upright = _upright(image, [])
            grey = upright if upright.mode.startswith(("I", "F")) else upright.convert("L")
            values = np.asarray(grey, np.float32)
        except Exception as error:  # decoders raise whatever they like on damaged files
            raise InputError(_damaged(shown)) from error
    if not np.isfinite(values).all():
        raise InputError(f"{shown} holds NaN or infinite values.")
    return values


def _read_file(path: Path, name: str | None) -> Photo:
    shown = printable(name or path.name or str(path))
    with _file(path, shown) as file:
        return _finish(_open(file, shown), _stem(name) if name else path.stem, shown)


@contextmanager
def _file(path: Path, shown: str) -> Iterator[BinaryIO]:
    """The file, open for reading; what is wrong with it is told as ``InputError``."""
    try:
        if path.is_dir():
            raise InputError(f"{shown} is a folder, not a photo.")
        if path.exists() and not path.is_file():  # a pipe would never end
            raise InputError(f"{shown} is not a file.")
        with path.open("rb") as file:
            yield file
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no file name"
        raise InputError(f"{shown} cannot be read: {reason}.") from error


def _open(file: BinaryIO, shown: str) -> Image.Image:
    """The photo of a file, its header read and its size checked; nothing is decoded yet."""
    start = file.read(64)
    file.seek(0)
    if not start:
        raise InputError(f"{shown} is empty; choose a {FORMATS} file.")
    # AVIF is of the same family and may say "mif1" first: the whole list of brands decides.
    brands = start[8 : int.from_bytes(start[:4])] if start[4:8] == b"ftyp" else b""
    is_avif = any(brand in brands for brand in AVIF_BRANDS)
    if not is_avif and brands[:4] in HEIF_BRANDS:
        raise InputError(f"{shown} is a HEIC photo, which is not read here; use {FORMATS}.")
    try:
        return Image.open(file, formats=DECODERS)
    except UnidentifiedImageError as error:
        if is_avif or start.startswith(PHOTO_STARTS):
            raise InputError(_damaged(shown)) from error
        raise InputError(f"{shown} is not a photo; use {FORMATS}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(_too_large()) from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise InputError(_damaged(shown)) from error


def _damaged(shown: str) -> str:
    return f"{shown} is damaged or cut off and cannot be decoded."


def _stem(name: str | None) -> str:
    path = Path(name or "photo")
    return (path.stem if path.suffix.lower() in SUFFIXES else path.name) or "photo"


def printable(name: str, longest: int = 100) -> str:
    """A file's name as it may stand in a sentence on a terminal or a page."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(_too_large(width, height))
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"The photo is {width} x {height} pixels; it needs at least {MIN_SIDE} on each side."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            f"The photo is {width} x {height} pixels, which is too narrow: one side may be at most "
            f"{MAX_ASPECT} times the other."
        )


def _too_large(width: int = 0, height: int = 0) -> str:
    size = f"The photo is {width} x {height} pixels" if width else "The photo is too large"
    return f"{size}; at most {MAX_PIXELS // 1_000_000} megapixels are accepted, so scale it down."


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError(
            f"The array has shape {array.shape}; a photo is (height, width, 3), with 4 channels "
            "for alpha or (height, width) for grey."
        )
    _check_size(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.dtype == np.uint16 and array.ndim == 2:
        return Image.fromarray(array)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            raise InputError("The array holds NaN or infinite values; a photo has none.")
        if array.min() < 0 or array.max() > 1:
            raise InputError("A float array must lie in [0, 1]; use uint8 for 0 to 255.")
        array = (array * 255).round().astype(np.uint8)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if array.dtype != np.uint8:
        raise InputError(f"The array is {array.dtype}; a photo is uint8, or float in [0, 1].")
    return Image.fromarray(np.ascontiguousarray(array))


def _finish(image: Image.Image, name: str, shown: str) -> Photo:
    """Upright, 8 bit, RGB on white."""
    notes: list[str] = []
    _check_size(*image.size)
    try:
        # Not n_frames: some formats are walked through for it, and a small file can hold millions.
        if getattr(image, "is_animated", False):
            image.seek(0)
            _check_size(*image.size)
            notes.append("Only the first frame is used.")
        # Pillow itself brings 16-bit colour to 8 bit; while it loads it still tells so.
        if re.search(DEEP_COLOUR, str(getattr(image, "tile", ""))):
            notes.append("The 16-bit colours were reduced to 8 bit.")
        image.load()
        rgb, alpha = _to_rgb(_upright(image, notes), notes)
    except InputError:
        raise
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise InputError(_damaged(shown)) from error
    rgb = np.ascontiguousarray(rgb)
    rgb.setflags(write=False)
    if alpha is not None:
        alpha.setflags(write=False)
    digest = hashlib.sha256(repr(rgb.shape).encode())
    digest.update(rgb.data)
    return Photo(rgb, name, tuple(notes), digest.hexdigest(), alpha)


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        turn = UPRIGHT.get(image.getexif().get(EXIF_ORIENTATION, 1))
    except Exception:  # what a camera wrote wrongly beside the pixels is no reason to refuse them
        return image
    if turn is None:
        return image
    notes.append("The photo was turned upright as its EXIF data says.")
    return image.transpose(turn)


def _to_rgb(image: Image.Image, notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    if image.mode.startswith("I") or image.mode == "F":
        notes.append(
            "The 16-bit grey values were scaled to 8 bit."
            if image.mode.startswith("I;16")
            else "The grey values were scaled to 8 bit."
        )
        return _from_deep_grey(image), None
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    if image.mode in ("L", "LA", "1"):
        notes.append("The grey photo was converted to RGB.")
    elif image.mode in ("P", "PA"):
        notes.append("The palette was converted to RGB.")
    elif image.mode not in ("RGB", "RGBA", "RGBX"):
        notes.append(f"The photo was converted from {image.mode} to RGB.")
    if not image.has_transparency_data:
        return np.array(image.convert("RGB")), None
    layered = image.convert("RGBA")
    alpha = np.asarray(layered.getchannel("A"))
    if alpha.min() == 255:
        return np.array(layered.convert("RGB")), None
    notes.append("Transparent areas were filled with white.")
    white = Image.new("RGBA", layered.size, "white")
    return np.array(Image.alpha_composite(white, layered).convert("RGB")), alpha > 0


def _from_deep_grey(image: Image.Image) -> np.ndarray:
    values = np.asarray(image).astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError("The photo holds NaN or infinite values.")
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16"):
        # 10- and 12-bit sensors leave the upper part of a 16-bit file unused.
        low, high = 0.0, 65535.0 if high >= 4096 else high
    grey = np.clip((values - low) * (255 / max(high - low, 1e-9)), 0, 255).round()
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
