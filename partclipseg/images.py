"""Any photo -> upright RGB uint8, with its limits checked."""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from partclipseg.errors import InputError

MIN_SIDE = 16
MAX_ASPECT = 50
MAX_PIXELS = 50_000_000
FORMATS = "JPEG, PNG, WebP, GIF, BMP or TIFF"
# Named one by one: Pillow would hand PostScript to an interpreter outside of this process.
DECODERS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


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
    name = Path(name).stem if name and Path(name).suffix.lower() in SUFFIXES else name
    if isinstance(source, np.ndarray):
        return _finish(_from_array(source), name or "photo")
    if isinstance(source, Image.Image):
        return _finish(source, name or "photo")
    if not isinstance(source, str | Path):
        raise InputError(
            f"A photo is a path, a PIL image or an array, not {type(source).__name__}."
        )
    path = Path(source)
    return _finish(_open(path), name or path.stem or "photo")


def _open(path: Path) -> Image.Image:
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise InputError(f"{path.name} is a folder, not a photo.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise InputError(f"{path.name} cannot be read: {reason}.") from error
    if not data:
        raise InputError(f"{path.name} is empty; choose a {FORMATS} file.")
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        raise InputError(f"{path.name} is a HEIC photo, which is not read here; use {FORMATS}.")
    try:
        image = Image.open(io.BytesIO(data), formats=DECODERS)
        _check_size(*image.size)
        image.load()
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path.name} is not a photo; use {FORMATS}.") from error
    except Image.DecompressionBombError as error:
        raise InputError(_too_large()) from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise InputError(f"{path.name} is damaged or cut off and cannot be decoded.") from error
    return image


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


def _finish(image: Image.Image, name: str) -> Photo:
    """Upright, 8 bit, RGB on white."""
    notes: list[str] = []
    _check_size(*image.size)
    try:
        if getattr(image, "n_frames", 1) > 1:
            image.seek(0)
            notes.append("Only the first frame is used.")
        upright = ImageOps.exif_transpose(image)
        if image.getexif().get(0x0112, 1) != 1:
            notes.append("The photo was turned upright as its EXIF data says.")
        if upright.mode in ("La", "RGBa"):
            upright = upright.convert(upright.mode.upper())
        rgb, alpha = _to_rgb(upright, notes)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError("The photo is damaged or cut off and cannot be decoded.") from error
    array = np.ascontiguousarray(rgb)
    array.setflags(write=False)
    digest = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
    return Photo(array, name, tuple(notes), digest, alpha)


def _to_rgb(image: Image.Image, notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    if image.mode.startswith("I") or image.mode == "F":
        notes.append("The photo's grey values were scaled to 8 bit.")
        values = np.asarray(image, np.float64)
        if not np.isfinite(values).all():
            raise InputError("The photo holds NaN or infinite values.")
        # Full 16-bit range by its own scale; anything else by what it uses.
        low, high = (0, 65535) if image.mode.startswith("I;16") else (values.min(), values.max())
        if image.mode.startswith("I;16") and values.max() < 4096:
            high = max(1, values.max())  # 10- and 12-bit sensors in a 16-bit file
        grey = np.clip((values - low) / max(high - low, 1e-9) * 255, 0, 255).round()
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2), None
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        alpha = np.asarray(layered.getchannel("A"))
        if alpha.min() < 255:
            notes.append("Transparent areas were filled with white.")
            white = Image.new("RGBA", layered.size, "white")
            flat = Image.alpha_composite(white, layered).convert("RGB")
            return np.array(flat), alpha > 0
        return np.array(layered.convert("RGB")), None
    if image.mode == "CMYK":
        notes.append("The photo was converted from CMYK.")
    return np.array(image.convert("RGB")), None
