"""Looking at a result: comparing, hiding, the projector, the keys, in a real Chromium."""

from pathlib import Path

from helpers import at, click, colour_at, drop_and_wait, find, marks, rows, steps, without_names
from playwright.sync_api import Page, expect
from visiting import OpenPage

PLAIN = steps(200, 60, 50)


def test_the_photo_on_the_left_of_the_line_and_its_parts_on_the_right(
    page: Page, photo: Path
) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    find(page, "a")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Compare with the photo").click()
    line = page.get_by_role("slider", name="Photo on the left, parts on the right")
    assert colour_at(page, 40, 30) == PLAIN
    assert colour_at(page, 260, 30) != steps(60, 160, 70)

    grip = line.bounding_box()
    assert grip
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 40)
    page.mouse.down()
    page.mouse.move(at(page, 20, 30)[0], grip["y"] + 60, steps=4)
    page.mouse.up()
    assert colour_at(page, 40, 30) != PLAIN
    assert marks(page) == {"points": [], "boxes": []}, "the line is no click"

    line.press("End")
    expect(line).to_have_attribute("aria-valuenow", "100")
    line.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuenow", "98")
    page.keyboard.press("Escape")
    expect(line).to_be_hidden()
    assert colour_at(page, 40, 30) != PLAIN


def test_keys(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    page.locator("#studio canvas").focus()
    page.keyboard.press("x")
    click(page, 50, 50)
    assert [point["label"] for point in marks(page)["points"]] == [0]
    for key, name in (("1", "Whole"), ("2", "Part"), ("3", "Sub-part"), ("0", "Auto")):
        page.keyboard.press(key)
        expect(page.get_by_role("radio", name=name, exact=True)).to_have_attribute(
            "aria-checked", "true"
        )
    page.keyboard.press("c")
    expect(page.get_by_role("slider", name="Photo on the left")).to_be_visible()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys and gestures")
    expect(keys).to_contain_text("Space (hold)")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_for_a_projector_everything_is_larger_and_is_so_next_time(open_page: OpenPage) -> None:
    page = open_page()
    text = page.get_by_label("What to find")
    before = text.evaluate("node => node.getBoundingClientRect().height")
    page.get_by_role("button", name="Large, for a projector").click()
    assert text.evaluate("node => node.getBoundingClientRect().height") > 1.2 * before
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.reload()
    page.wait_for_selector("[data-layer]")
    assert text.evaluate("node => node.getBoundingClientRect().height") > 1.2 * before
