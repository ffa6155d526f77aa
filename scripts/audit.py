"""``make audit``: known vulnerabilities of the installed packages, as the package index tells them.

Exit codes: 0 none is known, or nothing could be asked (which is said); 1 there are some.
"""

import json
import subprocess
import sys
from typing import Any

COMMAND = ("-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off",
           "--timeout", "10")  # fmt: skip


def main() -> int:
    """Ask, and say what was answered."""
    asked = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *COMMAND], capture_output=True, text=True, check=False
    )
    code, lines = verdict(asked.stdout, asked.stderr)
    print("\n".join(lines))
    return code


def verdict(answer: str, errors: str) -> tuple[int, list[str]]:
    """Exit code and lines for what pip-audit has written to its two outputs."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (errors.strip().splitlines() or ["it gave no answer"])[-1]
        return 0, [f"Skipped: the package index could not be asked ({reason})."]
    asked = [package for package in packages if "vulns" in package]
    if not asked:
        return 0, [f"Skipped: the package index knows none of the {len(packages)} packages."]
    lines = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in asked
        for hole in package["vulns"]
    ]
    told = f"{len(asked)} of {len(packages)} packages asked for, {len(lines)} known vulnerabilities"
    return int(bool(lines)), [*lines, told]


if __name__ == "__main__":
    sys.exit(main())
