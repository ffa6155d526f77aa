"""Slow answers: progress and an end, in a real Chromium."""

from pathlib import Path

from helpers import drop_and_wait, find, rows, settled
from playwright.sync_api import Page, expect
from visiting import Served


def test_everything_shows_its_progress_and_really_stops(
    page: Page, photo: Path, served: Served
) -> None:
    drop_and_wait(page, photo)
    find(page, "wheel")
    expect(rows(page)).to_have_count(1)
    served.predictor.pause, served.predictor.steps = 0.2, 1000
    try:
        page.get_by_role("button", name="Find everything in the photo").click()
        bar = page.get_by_role("progressbar")
        expect(bar).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        settled(page)
        expect(bar).to_be_hidden()
    finally:
        served.predictor.pause, served.predictor.steps = 0.0, 0
    expect(rows(page)).to_have_count(1)
    find(page, "a; b; c")
    expect(rows(page)).to_have_count(3)
    kinds = [kind for kind, _ in served.predictor.asked[-3:]]
    assert "everything" in kinds and served.predictor.asked[-1][1]["text"] == "a; b; c"
