"""Painting a mask prompt, in a real Chromium."""

from pathlib import Path
from typing import Any

from helpers import (
    PHONE,
    STUDIO,
    at,
    colour_at,
    drop_and_wait,
    rows,
    settled,
    steps,
    without_names,
)
from playwright.sync_api import Page, expect
from visiting import OpenPage, Served


def painted(page: Page) -> dict[str, Any] | None:
    return page.evaluate(f"() => {STUDIO}.partclipseg.history.state.mask")


def stroke(page: Page, *spots: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *spots[0]))
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*at(page, *spot), steps=5)
    page.mouse.up()


def test_paint_rub_out_and_undo(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    page.get_by_role("radio", name="Paint a mask").click()
    page.get_by_label("Thickness of the brush").fill("40")
    stroke(page, (30, 50), (120, 50))
    expect(rows(page)).to_have_count(1)
    mask = served.predictor.asked[-1][1]["mask"]
    assert mask.shape == (200, 300) and mask[50, 30:120].all() and not mask[120:].any()
    assert colour_at(page, 70, 50) != steps(200, 60, 50)

    page.get_by_role("radio", name="Rub out").click()
    stroke(page, (75, 30), (75, 70))
    settled(page)
    mask = served.predictor.asked[-1][1]["mask"]
    assert not mask[50, 75] and mask[50, 30] and mask[50, 119]

    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert painted(page) is None
    expect(rows(page)).to_have_count(0)
    assert colour_at(page, 35, 50) == steps(200, 60, 50)
    page.get_by_role("button", name="Redo").click()
    assert painted(page)
    page.get_by_role("button", name="Reset").click()
    assert painted(page) is None


def test_the_brush_has_keys_and_its_right_button_rubs_out(
    page: Page, photo: Path, served: Served
) -> None:
    drop_and_wait(page, photo)
    page.locator("#studio canvas").focus()
    page.keyboard.press("b")
    size = page.get_by_label("Thickness of the brush")
    before = int(size.input_value())
    page.keyboard.press("]")
    assert int(size.input_value()) > before
    stroke(page, (30, 50), (120, 50))
    settled(page)
    page.mouse.click(*at(page, 30, 50), button="right")
    settled(page)
    assert not served.predictor.asked[-1][1]["mask"][50, 30]
    page.keyboard.press("Escape")
    expect(size).to_be_hidden()
    page.mouse.click(*at(page, 220, 150))
    settled(page)
    asked = served.predictor.asked[-1][1]
    assert len(asked["points"]) == 1 and asked["mask"] is not None


def test_paint_with_a_finger_and_pinch_without_paint(open_page: OpenPage, photo: Path) -> None:
    page = open_page(**PHONE)
    drop_and_wait(page, photo)
    page.get_by_role("radio", name="Paint a mask").click()
    page.locator("#studio canvas").scroll_into_view_if_needed()
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *spots: tuple[float, float]) -> None:
        points = [
            {"x": x, "y": y, "id": number}
            for number, (x, y) in enumerate(at(page, *spot) for spot in spots)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (60, 50))
    touch("touchStart", (60, 50), (120, 50))
    touch("touchMove", (50, 50), (140, 50))
    touch("touchEnd")
    assert painted(page) is None
    page.get_by_role("button", name="Show the whole photo").click()
    page.wait_for_timeout(100)
    touch("touchStart", (60, 50))
    touch("touchMove", (120, 60))
    touch("touchEnd")
    assert painted(page)
    expect(rows(page)).to_have_count(1)
