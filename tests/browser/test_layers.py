"""The list of layers: choosing, renaming, deleting, merging, order, in a real Chromium."""

import json
import re
from pathlib import Path

from helpers import PHONE, SMALL, at, colour_at, drop_and_wait, find, rows, steps, without_names
from playwright.sync_api import Page, expect
from visiting import OpenPage, Served


def names(page: Page) -> list[str]:
    return page.locator("#studio .pcs-layer__name").all_inner_texts()


def choose(page: Page, name: str) -> None:
    page.locator("#studio .pcs-layer__name", has_text=re.compile(f"^{name}$")).click()


def saved(page: Page, folder: Path) -> dict:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="COCO JSON").click()
    waiting.value.save_as(folder / "coco.json")
    return json.loads((folder / "coco.json").read_text())


def test_rename_merge_delete_and_take_away(
    page: Page, photo: Path, served: Served, tmp_path: Path
) -> None:
    drop_and_wait(page, photo)
    find(page, "a; b; c; d")
    expect(rows(page)).to_have_count(4)
    asked = len(served.predictor.asked)

    choose(page, "a")
    page.get_by_role("button", name="Rename").click()
    field = page.get_by_label("New name for a")
    field.fill("bike: ${7*6}")
    field.press("Enter")
    expect(rows(page).nth(0).locator(".pcs-layer__name")).to_have_text("bike ${7*6}")

    choose(page, "b")
    choose(page, "c")
    page.get_by_role("button", name="Merge into one").click()
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(1)).to_contain_text("50%")

    page.locator("#studio .pcs-layer__name", has_text=re.compile("^d$")).focus()
    page.keyboard.press("Delete")
    expect(rows(page)).to_have_count(2)
    assert len(served.predictor.asked) == asked, "nothing of this asks the model"

    data = saved(page, tmp_path)
    assert [(c["supercategory"], c["name"]) for c in data["categories"]] == [
        ("bike", "${7*6}"),
        ("", "b"),
    ]
    assert [a["area"] for a in data["annotations"]] == [75 * 200, 150 * 200]

    for count in (3, 4, 4):
        page.get_by_role("button", name="Undo").click()
        expect(rows(page)).to_have_count(count)
    assert names(page) == ["a", "b", "c", "d"]


def test_the_list_and_the_canvas_choose_together(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    find(page, "a; b")
    expect(rows(page)).to_have_count(2)
    page.keyboard.down("Shift")
    page.mouse.click(*at(page, 225, 100))
    page.keyboard.up("Shift")
    expect(rows(page).nth(1)).to_have_class(re.compile("pcs-layer--chosen"))
    page.get_by_role("button", name="Show only these").click()
    assert colour_at(page, 40, 30) == steps(200, 60, 50)
    page.get_by_role("button", name="Show only these").click()
    assert colour_at(page, 40, 30) != steps(200, 60, 50)
    rows(page).nth(0).hover()
    page.keyboard.press("Escape")
    expect(page.locator("#studio .pcs-layer--chosen")).to_have_count(0)


def test_a_layer_becomes_the_painted_mask(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    find(page, "a; b")
    expect(rows(page)).to_have_count(2)
    choose(page, "b")
    page.get_by_role("button", name="Correct with the brush").click()
    expect(rows(page)).to_have_count(3)
    mask = served.predictor.asked[-1][1]["mask"]
    assert mask[:, 150:].all() and not mask[:, :150].any()
    expect(page.get_by_role("radio", name="Paint a mask")).to_have_attribute("aria-checked", "true")


def test_order_by_a_column_and_rename_by_double_click(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    find(page, "c; a; b")
    expect(rows(page)).to_have_count(3)
    page.get_by_role("button", name="Name", exact=True).click()
    assert names(page) == ["a", "b", "c"]
    page.get_by_role("button", name="Name", exact=True).click()
    assert names(page) == ["c", "b", "a"]
    page.locator("#studio .pcs-layer__name").first.dblclick()
    field = page.get_by_label("New name for c")
    field.fill("x")
    field.press("Escape")
    assert names(page) == ["c", "b", "a"]


def test_the_list_on_a_phone(open_page: OpenPage, photo: Path) -> None:
    page = open_page(**PHONE)
    drop_and_wait(page, photo)
    find(page, "a; b")
    expect(rows(page)).to_have_count(2)
    page.locator("#studio .pcs-layer__name").first.tap()
    button = page.get_by_role("button", name="Delete")
    size = button.bounding_box()
    assert size and min(size["width"], size["height"]) >= 40
    button.tap()
    expect(rows(page)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
