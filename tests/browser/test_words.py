"""The words box: chips, suggestions, presets, in a real Chromium."""

import re
from pathlib import Path

from helpers import PHONE, SMALL, drop_and_wait, rows
from playwright.sync_api import Locator, Page, expect
from visiting import OpenPage


def chips(page: Page) -> Locator:
    return page.locator("#studio .pcs-chip")


def colour_of(node: Locator) -> str:
    found = re.search("#[0-9a-f]{6}", node.get_attribute("style") or "")
    assert found
    return found[0]


def test_what_is_understood_is_shown_in_the_colours_of_the_answer(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    box = page.get_by_label("What to find")
    box.fill("car: wheel, door, -${7*6}")
    expect(chips(page)).to_have_count(3)
    expect(chips(page).nth(0)).to_have_text("car wheel")
    expect(chips(page).nth(2)).to_contain_text("${7*6}")
    struck = chips(page).nth(2).locator(".pcs-chip__name")
    assert struck.evaluate("node => getComputedStyle(node).textDecorationLine") == "line-through"
    box.press("Enter")
    expect(rows(page)).not_to_have_count(0)
    for number in range(2):
        swatch = chips(page).nth(number).locator(".pcs-chip__swatch")
        assert colour_of(swatch) == colour_of(rows(page).nth(number).locator(".pcs-swatch"))


def test_suggestions_by_keyboard(page: Page) -> None:
    box = page.get_by_label("What to find")
    box.fill("")
    box.press_sequentially("dog: ta")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(options.first).to_have_text("tail")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    active = options.first.get_attribute("id")
    assert active
    expect(box).to_have_attribute("aria-activedescendant", active)
    box.press("Enter")
    expect(box).to_have_value("dog: tail")
    expect(page.locator("#studio .pcs-suggestion")).to_have_count(0)
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press_sequentially(", he")
    expect(options.first).to_be_visible()
    box.press("Escape")
    expect(page.locator("#studio .pcs-suggestion")).to_have_count(0)
    expect(box).to_be_focused()
    expect(box).to_have_value("dog: tail, he")


def test_a_suggestion_by_finger_and_presets_fit_a_phone(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    box = page.get_by_label("What to find")
    box.fill("")
    box.press_sequentially("dog: ta")
    page.locator("#studio .pcs-suggestion", has_text=re.compile("^tail$")).tap()
    expect(box).to_have_value("dog: tail")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    preset = page.get_by_role("button", name="Cell")
    preset.scroll_into_view_if_needed()
    size = preset.bounding_box()
    assert size and size["height"] >= 40


def test_a_preset_is_one_press(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    page.get_by_role("button", name="Cell").click()
    expect(rows(page)).to_have_count(2)
    expect(chips(page)).to_have_text(["white blood cell nucleus", "white blood cell cytoplasm"])


def test_a_press_on_segment_is_not_lost_when_the_suggestions_go(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    box = page.get_by_label("What to find")
    box.press_sequentially("whee")
    expect(page.locator("#studio .pcs-suggestion").first).to_be_visible()
    button = page.get_by_role("button", name="Segment", exact=True)
    before = button.bounding_box()
    button.click()
    expect(rows(page)).to_have_count(1)
    assert button.bounding_box() == before
