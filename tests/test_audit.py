"""The checks of what others have written, and of what must not be in the repository."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.audit import verdict

ROOT = Path(__file__).resolve().parents[1]


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


SOUND = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
OPEN = {"name": "c", "version": "3", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
UNKNOWN = {"name": "d", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("told", "errors", "code", "lines"),
    [
        (answer(SOUND, UNKNOWN), "", 0, ["1 of 2 packages asked for, 0 known vulnerabilities"]),
        (answer(SOUND, HOLED, OPEN), "", 1,
         ["b 2: PYSEC-1, mended in 2.1", "c 3: PYSEC-2, mended in no version yet",
          "3 of 3 packages asked for, 2 known vulnerabilities"]),
        (answer(UNKNOWN), "", 0, ["Skipped: the package index knows none of the 1 packages."]),
        ("", "Traceback\nConnectionError: no network\n", 0,
         ["Skipped: the package index could not be asked (ConnectionError: no network)."]),
        ("[]", "", 0, ["Skipped: the package index could not be asked (it gave no answer)."]),
    ],
)  # fmt: skip
def test_what_is_said_of_the_packages(told: str, errors: str, code: int, lines: list[str]) -> None:
    assert verdict(told, errors) == (code, lines)


def hook(*files: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("detect_secrets")
    code = "import sys; from detect_secrets.pre_commit_hook import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--baseline", str(ROOT / ".secrets.baseline")]
    return subprocess.run(
        [*command, *map(str, files)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_secret_is_found(tmp_path: Path) -> None:
    harmless, secret = tmp_path / "a.py", tmp_path / "b.py"
    harmless.write_text("name = 'car: wheel'\n")
    secret.write_text(f"key = '{'AKIA' + 'IOSFODNN7EXAMPL1'}'\n")
    assert hook(harmless).returncode == 0
    found = hook(secret)
    assert found.returncode == 1 and "AWS Access Key" in found.stdout


def test_what_security_md_names_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|partclipseg|scripts|docs)/[\w/.-]+)`", text)
    assert len(named) > 8
    for name in named:
        assert (ROOT / name).exists(), name
    for target in re.findall(r"`make (\w+)`", text):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
