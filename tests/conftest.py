"""The bundled model, loaded once for all tests that need it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def lite():
    from partclipseg import load

    return load("lite")


@pytest.fixture(scope="session")
def example() -> Path:
    return ROOT / "examples"
