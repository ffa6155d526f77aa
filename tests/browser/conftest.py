"""A studio with a scripted predictor, and a real Chromium in front of it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from scripted_studio import ScriptedPredictor
from visiting import OpenPage, Served

from partclipseg import studio
from scripts.screenshots import FLAGS as QUIET_FLAGS

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 240_000  # milliseconds; a busy machine is no failure
FLAGS = [
    *QUIET_FLAGS,
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    predictor = ScriptedPredictor()
    settings = studio.Settings(model="scripted", max_upload_mb=2)
    demo = studio.build(settings, load=lambda: predictor)
    arguments = studio.launch_kwargs(settings)
    _, url, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments
    )
    yield Served(url, predictor)
    demo.close()
    patch.undo()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip("there is no Chromium here")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[OpenPage]:
    """Opens the studio; afterwards no page may have had an error or asked another host."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def watch(page: Page) -> None:
        local = (served.url, "data:", "blob:")
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("console", lambda told: trouble.append(told.text) if told.type == "error" else None)
        page.on(
            "request",
            lambda sent: None if sent.url.startswith(local) else trouble.append(sent.url),
        )

    def go(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(served.url)
        page.wait_for_selector("[data-layer]")  # the example is segmented
        return page

    yield go
    for context in contexts:
        context.close()
    assert not trouble


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo that is no example: 300 x 200, four quarters of different colours."""
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:100, :150] = (200, 60, 50)
    picture[:100, 150:] = (60, 160, 70)
    picture[100:, :150] = (60, 80, 190)
    picture[100:, 150:] = (220, 200, 80)
    path = tmp_path / "my car.png"
    Image.fromarray(picture).save(path)
    return path
