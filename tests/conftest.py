"""The bundled model, loaded once for all tests that need it, and the app with a scripted one."""

from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app with a scripted model, its own files and uploads of at most 1 MB."""
    from scripted_studio import ScriptedPredictor

    from partclipseg import studio

    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    settings = studio.Settings(model="scripted", max_upload_mb=1)
    demo = studio.build(settings, load=ScriptedPredictor)
    _, url, _ = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        server_name="127.0.0.1",
        **studio.launch_kwargs(settings),
    )
    yield url.rstrip("/")
    demo.close()
    patch.undo()
