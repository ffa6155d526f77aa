"""Photo files that are damaged, huge or odd, made on the spot."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

RED, BLUE = (255, 0, 0), (0, 0, 255)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def noise(width: int = 48, height: int = 32) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has no pixels."""
    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", b"")


def text_bomb() -> bytes:
    """A PNG whose comment takes 100 MB once it is unpacked."""
    comment = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    whole = encoded(noise(), "PNG")
    return whole[:33] + chunk(b"zTXt", comment) + whole[33:]


def several(kind: str) -> bytes:
    """Three frames, the first of them red."""
    first, *others = (Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE, BLUE))
    return encoded(first, kind, save_all=True, append_images=others)
