"""Names of files that hold on every system, and files that are written whole or not at all."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg import exports


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("beach", "beach"),
        ("beach.jpg", "beach"),
        ("my photo (1).JPEG", "my_photo_1"),
        ("v1.2", "v1.2"),
        ("car: front door", "car_front_door"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\Windows\\x.png", "C_Windows_x"),
        ("a\0b", "a_b"),
        ("कार का पहिया", "कार_का_पहिया"),
        ("صورة.png", "صورة"),
        ("CON", "photo_CON"),
        ("nul.txt", "photo_nul.txt"),
        ("com¹", "photo_com1"),
        ("-rf", "rf"),
        (".bashrc", "bashrc"),
        (".jpg", "photo"),
        ("", "photo"),
        ("🚗", "photo"),
        ("....", "photo"),
        ("a" * 500 + ".jpg", "a" * 80),
        ("a" * 79 + ".b", "a" * 79),
        ("℀", "a_c"),
    ],
)
def test_safe_stems(name: str, expected: str) -> None:
    assert exports.safe_stem(name) == expected


RISKY = st.sampled_from(
    [*'/\\:*?"<>|.- \0\n_aé轮🚗\u202e\u0301', "con", "NUL", "com1", ".jpg", "\ud800"]
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), st.lists(RISKY, max_size=120).map("".join)))
def test_a_stem_is_always_safe(name: str) -> None:
    stem = exports.safe_stem(name)
    assert 0 < len(stem) <= 80 and len(stem.encode()) <= 200
    assert not set(stem) & set('/\\:*?"<>| \0\n\u202e')
    assert stem[0] not in ".-" and stem[-1] not in ". "
    assert stem.split(".")[0].casefold() not in exports.RESERVED
    assert exports.safe_stem(stem) == stem or stem.lower().endswith(tuple(exports.SUFFIXES))


def test_a_stem_can_be_written(tmp_path: Path) -> None:
    for name in ("轮" * 200, "\ud800", "a/b", "con", "é" * 300):
        path = tmp_path / f"{exports.safe_stem(name)}_overlay.png"
        exports.write_atomically(path, b"x")
        assert path.read_bytes() == b"x" and path.parent == tmp_path


def test_writing_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    for data in (b"old", b"new"):
        exports.write_atomically(str(path), data)
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            exports.write_atomically(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_failures_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        exports.write_atomically(tmp_path / "folder", b"x")
    with pytest.raises(OSError):
        exports.write_atomically(tmp_path / "missing" / "x", b"x")
    with pytest.raises(TypeError):
        exports.write_atomically(tmp_path / "y", "text")  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]
