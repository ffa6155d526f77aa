"""What is given wrongly, row by row: folders, names of files, mask files and checkpoints.

The table that ``test_bad_input.py`` begins.
"""

import io
import json
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import partclipseg
from partclipseg import cli
from partclipseg.errors import CheckpointError, ModelNotFoundError
from tests.odd_files import encoded, noise, png_header
from tests.scripted import ScriptedPredictor

USE = "JPEG, PNG, WebP, GIF, BMP or TIFF"

# Files, through the command line with a predictor that finds one part in every photo


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(partclipseg.__dict__, "load", lambda name, device: name)
    monkeypatch.setitem(partclipseg.__dict__, "PartPredictor", lambda model: ScriptedPredictor())
    monkeypatch.setattr(ScriptedPredictor, "segment", ScriptedPredictor.everything, raising=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise().save(tmp_path / "car.png")
    return tmp_path / "car.png"


def segment(*arguments: str | Path) -> int:
    return cli.main(["segment", *map(str, arguments), "--everything"])


def test_an_unwritable_folder(
    photo: Path, scripted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert segment(photo, "--out", photo / "out") == 2
    assert capsys.readouterr().err == (
        f'partclipseg: Cannot write to the folder "{photo / "out"}" (Not a directory); '
        "name another one.\n"
    )


def test_a_full_disk(
    tmp_path: Path,
    photo: Path,
    scripted: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every file that is written goes to the device that is always full."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    real = Path.open

    def full(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        return real(Path("/dev/full"), "wb") if "x" in mode else real(self, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", full)
    out = tmp_path / "out"
    assert segment(photo, "--out", out) == 1
    assert capsys.readouterr().err == (
        f"{photo}: its results cannot be written to {out} (No space left on device).\n"
    )
    assert list(out.iterdir()) == []


def test_a_folder_where_a_result_should_be(
    tmp_path: Path, photo: Path, scripted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "car.json").mkdir(parents=True)
    assert segment(photo, "--out", tmp_path / "out") == 1
    assert capsys.readouterr().err == (
        f"{photo}: its results cannot be written to {tmp_path / 'out'} (Is a directory).\n"
    )


def test_results_beside_photos_of_the_same_names(
    tmp_path: Path, photo: Path, scripted: None
) -> None:
    """``car.png`` has a mask that would be called as another photo is."""
    noise().save(tmp_path / "car_overlay.png")
    photos = [photo, tmp_path / "car_overlay.png"]
    before = [path.read_bytes() for path in photos]
    assert segment(*photos, "--out", tmp_path) == 0
    assert [path.read_bytes() for path in photos] == before
    assert (tmp_path / "car_overlay_2.png").is_file()


@pytest.mark.skipif(os.name == "nt", reason="no such rights on this system")
def test_photos_from_a_read_only_folder(tmp_path: Path, photo: Path, scripted: None) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    tmp_path.chmod(0o555)
    try:
        assert segment(photo, "--out", tmp_path.parent / "elsewhere") == 0
    finally:
        tmp_path.chmod(0o755)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path.parent / "elsewhere" / "car.json").is_file()


NAMES = [
    ("not utf-8", b"caf\xe9.png", "caf?"),
    ("an escape", b"a\x1b[31mb.png", "a\x1b[31mb"),
    ("a new line", b"a\nb.png", "a\nb"),
    ("long", b"x" * 250 + b".png", "x" * 250),
    ("long, of two bytes", "é".encode() * 120 + b".png", "é" * 120),
    ("an option", b"--help.png", "--help"),
    ("quotes", b"\"'$(id)`.png", "\"'$(id)`"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
@pytest.mark.parametrize(("what", "name", "shown"), NAMES, ids=lambda v: str(v)[:12])
def test_photos_with_odd_names(
    tmp_path: Path,
    scripted: None,
    capfd: pytest.CaptureFixture[str],
    what: str,
    name: bytes,
    shown: str,
) -> None:
    """The result is there and read as UTF-8; a terminal gets no control characters."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    noise().save(path, "PNG")
    assert segment(path, "--out", tmp_path / "out") == 0
    told = capfd.readouterr()
    assert told.err == "" and told.out.count("\n") == 1 and "\x1b" not in told.out
    (result,) = (tmp_path / "out").glob("*.json")
    assert json.loads(result.read_text(encoding="utf-8"))["image"] == shown
    assert result.name.startswith(path.stem[:50])
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_a_terminal_without_the_letters_of_a_name(
    tmp_path: Path, scripted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise().save(tmp_path / "轮.png")
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert segment(tmp_path / "轮.png", "--out", tmp_path / "out") == 0
    terminal.flush()
    assert b"\\u8f6e.png: 1 part, " in terminal.buffer.getvalue()  # type: ignore[attr-defined]


def test_links_that_lead_nowhere(
    tmp_path: Path, photo: Path, scripted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("self.png", "gone.png"):
        (tmp_path / name).symlink_to(tmp_path / ("self.png" if name == "self.png" else "no"))
    photos = (tmp_path / "self.png", tmp_path / "gone.png", photo)
    assert segment(*photos, "--out", tmp_path / "out") == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "cannot be read" in line]
    assert said == [
        f"{tmp_path / 'self.png'} cannot be read: Too many levels of symbolic links.",
        f"{tmp_path / 'gone.png'} cannot be read: No such file or directory.",
    ]


MASKS: list[tuple[str, bytes | Callable[[], bytes], str]] = [
    ("none.png", b"", f"The mask cannot be used: none.png is empty; choose a {USE} file."),
    ("words.png", b"words", f"The mask cannot be used: words.png is not a photo; use {USE}."),
    ("cut.png", lambda: encoded(noise(), "PNG")[:-200],
     "The mask cannot be used: cut.png is damaged or cut off and cannot be decoded."),
    ("flipped.png", lambda: encoded(noise(), "PNG").replace(b"IDAT", b"IDAX"),
     "The mask cannot be used: flipped.png is damaged or cut off and cannot be decoded."),
    ("poster.png", png_header(12000, 9000),
     "The mask cannot be used: The photo is 12000 x 9000 pixels; at most 50 megapixels are "
     "accepted, so scale it down."),
    ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
     f"The mask cannot be used: script.eps is not a photo; use {USE}."),
    ("nan.tif", lambda: encoded(Image.fromarray(np.full((32, 48), np.nan, np.float32)), "TIFF"),
     "The mask cannot be used: nan.tif holds NaN or infinite values."),
    ("black.png", lambda: encoded(Image.new("L", (48, 32)), "PNG"),
     'The mask "{path}" is black all over; paint the part white.'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "sentence"), MASKS, ids=lambda v: str(v)[:12])
def test_mask_files_that_are_refused(
    tmp_path: Path,
    photo: Path,
    scripted: None,
    capfd: pytest.CaptureFixture[str],
    name: str,
    data: bytes | Callable[[], bytes],
    sentence: str,
) -> None:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data())
    arguments = ["segment", str(photo), "--mask", str(path), "--out", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    assert capfd.readouterr().err == f"partclipseg: {sentence.format(path=path)}\n"


# Checkpoints


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole one, of random weights."""
    from partclipseg.modeling.checkpoint import save_checkpoint
    from partclipseg.modeling.config import ModelConfig
    from partclipseg.modeling.partclipseg import build

    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_checkpoint(build(ModelConfig(image_size=320)), path, {})
    return path


def rewritten(path: Path, **header: str | None) -> Callable[[Path], None]:
    """The same tensors under a header that is changed, or without some of it."""

    def write(whole: Path) -> None:
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file

        with safe_open(whole, framework="pt") as file:
            old = file.metadata()
        new = {k: v for k, v in (old | header).items() if v is not None}
        save_file(load_file(whole), path, metadata=new)

    return write


def config(**changed: Any) -> str:
    from partclipseg.modeling.config import ModelConfig

    return json.dumps(ModelConfig(image_size=320).to_json() | changed)


def of_nan(path: Path) -> Callable[[Path], None]:
    def write(whole: Path) -> None:
        import torch
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file

        with safe_open(whole, framework="pt") as file:
            header = {k: v for k, v in file.metadata().items() if k != "sha256"}
        tensors = load_file(whole)
        tensors["adapter.edges.weight"] = torch.full_like(tensors["adapter.edges.weight"], math.nan)
        save_file(tensors, path, metadata=header)

    return write


def pickled(path: Path) -> Callable[[Path], None]:
    def write(whole: Path) -> None:
        import torch

        torch.save({"state_dict": {}}, path)

    return write


def bytes_of(path: Path, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda whole: (path.write_bytes(change(whole.read_bytes())), None)[1]


def flipped(data: bytes) -> bytes:
    """One bit of the last tensor."""
    return data[:-5] + bytes([data[-5] ^ 64]) + data[-4:]


CHECKPOINTS: list[tuple[str, Callable[[Path], Callable[[Path], None]], str]] = [
    ("gone.safetensors", lambda path: lambda whole: None,
     r"The checkpoint {path} does not exist\."),
    ("cut.safetensors", lambda path: bytes_of(path, lambda data: data[:-1000]),
     r"{name} is damaged or not a safetensors file \([^\n]+\); get it again\."),
    ("empty.safetensors", lambda path: bytes_of(path, lambda data: b""),
     r"{name} is damaged or not a safetensors file \([^\n]+\); get it again\."),
    ("flipped.safetensors", lambda path: bytes_of(path, flipped),
     r"{name} is damaged: its tensors do not have the SHA-256 that it names; get it again\."),
    ("pickle.pt", pickled,
     r"{name} is a pickle, which can run code when it is read; only \.safetensors checkpoints are "
     r"loaded\."),
    ("pickle.safetensors", pickled,
     r"{name} is damaged or not a safetensors file \([^\n]+\); get it again\."),
    ("other.safetensors", lambda path: rewritten(path, format=None),
     r"{name} is a safetensors file, but not a PartCLIPSeg checkpoint\."),
    ("newer.safetensors", lambda path: rewritten(path, version="99"),
     r"{name} has checkpoint version 99; this release reads version 1\."),
    ("header.safetensors", lambda path: rewritten(path, config="{"),
     r"{name} has a damaged header; get it again\."),
    ("wider.safetensors", lambda path: rewritten(path, config=config(embed_dim=64)),
     r"{name} does not fit its architecture: \d+ tensors missing, \d+ unknown, \d+ of another "
     r"shape \(for example [\w.]+\)\."),
    ("typed.safetensors", lambda path: rewritten(path, config=config(image_size="big")),
     r"The architecture's image_size must be int, not 'big'\."),
    ("unknown.safetensors", lambda path: rewritten(path, config=config(depth=3)),
     r"The architecture names depth, which this version does not know; ModelConfig has [\w, ]+\."),
    ("nan.safetensors", of_nan,
     r"{name} holds values that are not finite \(for example in adapter\.edges\.weight\)\."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "sentence"), CHECKPOINTS, ids=lambda v: str(v)[:20])
def test_checkpoints_that_are_refused(
    tmp_path: Path, checkpoint: Path, name: str, make: Any, sentence: str
) -> None:
    from partclipseg.loading import load

    path = tmp_path / name
    make(path)(checkpoint)
    with pytest.raises(CheckpointError) as told:
        load(str(path), "cpu")
    expected = sentence.replace("{name}", re.escape(name)).replace("{path}", re.escape(str(path)))
    assert re.fullmatch(expected, str(told.value))


def test_a_checkpoint_that_is_whole_is_read(checkpoint: Path) -> None:
    from partclipseg.loading import load

    assert load(str(checkpoint), "cpu").name == "model"


def test_names_of_models_that_are_none() -> None:
    from partclipseg.loading import load

    for name in ("", "huge", "x.pt"):
        with pytest.raises(ModelNotFoundError) as told:
            load(name, "cpu")
        assert str(told.value) == (
            f"There is no model {name!r}: use 'lite', the path of a .safetensors checkpoint, or an "
            "open_clip NAME/PRETRAINED such as ViT-B-16-quickgelu/openai."
        )
