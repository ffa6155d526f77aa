"""The studio as a visitor meets it, in a real Chromium."""

import base64
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    SMALL,
    at,
    click,
    colour_at,
    drop,
    drop_and_wait,
    find,
    marks,
    other,
    rows,
    settled,
    status,
    steps,
    without_names,
)
from PIL import Image
from playwright.sync_api import Page, expect
from visiting import OpenPage, Served

# The first minute


def test_the_first_screen_shows_what_it_is_about(page: Page) -> None:
    expect(rows(page)).not_to_have_count(0)
    expect(page.get_by_role("button", name="Pickup truck")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert page.get_by_label("What to find").input_value()
    expect(page.locator("#studio .pcs-credit")).to_contain_text("Apache-2.0")


def test_drop_a_photo_type_and_click(page: Page, photo: Path) -> None:
    """The story of the app, end to end."""
    drop_and_wait(page, photo)
    expect(status(page)).to_contain_text("my car")
    expect(rows(page)).to_have_count(0)
    plain = colour_at(page, 40, 30)
    assert plain == steps(200, 60, 50)

    without_names(page)
    find(page, "car: wheel, front door")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).nth(0)).to_contain_text("wheel")
    expect(rows(page).nth(0)).to_contain_text("0.70")
    expect(rows(page).nth(0)).to_contain_text("0.80")
    expect(rows(page).nth(0)).to_contain_text("50%")
    left, right = colour_at(page, 40, 30), colour_at(page, 260, 30)
    assert left != plain and right != steps(60, 160, 70)

    click(page, 225, 150)
    expect(rows(page)).to_have_count(5)
    (point,) = marks(page)["points"]
    assert point == {"x": pytest.approx(225, abs=1), "y": pytest.approx(150, abs=1), "label": 1}


def test_the_mask_is_painted_in_the_colour_of_its_swatch(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    find(page, "left; right")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Mask opacity").fill("100")
    for row, x in ((0, 40), (1, 260)):
        style = rows(page).nth(row).locator(".pcs-swatch").get_attribute("style") or ""
        hexed = re.search(r"#([0-9a-f]{6})", style)
        assert hexed
        assert colour_at(page, x, 30) == steps(*bytes.fromhex(hexed[1]))


def test_hover_shows_name_and_similarity(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    find(page, "car: wheel, front door")
    expect(rows(page)).to_have_count(2)
    page.mouse.move(*at(page, 40, 30))
    tip = page.locator("#studio .pcs-tip")
    expect(tip).to_contain_text("car: wheel")
    expect(tip).to_contain_text("0.70")
    expect(rows(page).nth(0)).to_have_class(re.compile("pcs-layer--lit"))
    page.mouse.move(*at(page, 260, 30))
    expect(tip).to_contain_text("car: front door")
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


# Text that looks like code


@pytest.mark.parametrize(
    "label", ["${7*6}", "{{7*6}}", "<img src=x onerror=alert(1)>", "C:\\new", "</textarea>`"]
)
def test_a_label_is_shown_as_it_is(page: Page, photo: Path, label: str) -> None:
    drop_and_wait(page, photo)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    find(page, f'"{label}", wheel')
    expect(rows(page)).to_have_count(2)
    expect(rows(page).nth(0).locator(".pcs-layer__name")).to_have_text(label)
    page.mouse.move(*at(page, 40, 100))
    expect(page.locator("#studio .pcs-tip")).to_contain_text(label)
    assert page.locator("#studio .pcs-layers img").count() == 0
    assert page.locator(".error-container").count() == 0


# Clicks


def test_five_clicks_in_a_second_are_five_points_and_one_final_answer(
    page: Page, photo: Path, served: Served
) -> None:
    drop_and_wait(page, photo)
    page.get_by_label("What to find").fill("")
    before = len(served.predictor.asked)
    served.predictor.pause = 0.3
    try:
        spots = [at(page, 30 + 55 * n, 60 + 12 * n) for n in range(5)]
        for spot in spots:
            page.mouse.click(*spot)
        assert len(marks(page)["points"]) == 5
        settled(page)
    finally:
        served.predictor.pause = 0.0
    asked = [arguments for kind, arguments in served.predictor.asked[before:] if kind == "predict"]
    assert len(asked[-1]["points"]) == 5
    assert len(asked) < 5, "questions that were overtaken are not asked"
    assert [round(x) for x, _ in asked[-1]["points"]] == pytest.approx(
        [30, 85, 140, 195, 250], abs=1
    )
    expect(rows(page)).to_have_count(3)


def test_right_click_alt_click_and_the_toggle_exclude(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    click(page, 50, 50)
    click(page, 100, 50, button="right")
    page.keyboard.down("Alt")
    click(page, 150, 50)
    page.keyboard.up("Alt")
    page.get_by_role("radio", name="Exclude").click()
    click(page, 200, 50)
    click(page, 250, 50, button="right")
    assert [point["label"] for point in marks(page)["points"]] == [1, 0, 0, 0, 1]


def test_a_click_with_four_pixels_of_shake_is_a_click_and_five_are_a_box(
    page: Page, photo: Path
) -> None:
    drop_and_wait(page, photo)
    x, y = at(page, 100, 60)
    for shake in (4, 5):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + shake, y)
        page.mouse.up()
        if shake == 4:
            assert len(marks(page)["points"]) == 1
            x += 60
    page.mouse.move(*at(page, 20, 120))
    page.mouse.down()
    page.mouse.move(*at(page, 90, 180), steps=4)
    page.mouse.up()
    found = marks(page)
    assert len(found["points"]) == 1
    assert found["boxes"][-1] == pytest.approx([20, 120, 90, 180], abs=1)


def test_a_box_finds_what_is_in_it(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    page.mouse.move(*at(page, 20, 120))
    page.mouse.down()
    page.mouse.move(*at(page, 90, 180), steps=4)
    page.mouse.up()
    expect(rows(page)).to_have_count(1)
    assert colour_at(page, 55, 150) != steps(60, 80, 190)
    assert colour_at(page, 120, 150) == steps(60, 80, 190)


def test_a_click_on_a_mark_removes_it(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    click(page, 50, 50)
    click(page, 200, 150)
    click(page, 50, 50)
    assert [round(point["x"]) for point in marks(page)["points"]] == pytest.approx([200], abs=1)
    click(page, 200, 150)
    assert marks(page)["points"] == []
    expect(rows(page)).to_have_count(0)


def test_a_click_outside_the_photo_does_nothing(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    box = page.locator("#studio canvas").bounding_box()
    assert box
    left, _ = at(page, 0, 0)
    assert left - box["x"] > 20, "this window leaves room beside the photo"
    page.mouse.click(left - 10, box["y"] + box["height"] / 2)
    assert marks(page) == {"points": [], "boxes": []}


def test_undo_redo_and_reset(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    find(page, "wheel")
    expect(rows(page)).to_have_count(1)
    click(page, 60, 60)
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Undo").click()
    assert marks(page)["points"] == []
    expect(rows(page)).to_have_count(1)
    page.locator("#studio canvas").focus()
    page.keyboard.press("Shift+Z")
    assert len(marks(page)["points"]) == 1
    page.keyboard.press("z")
    assert marks(page)["points"] == []
    click(page, 60, 60)
    page.get_by_role("button", name="Reset").click()
    expect(rows(page)).to_have_count(0)
    assert marks(page)["points"] == []
    page.get_by_role("button", name="Undo").click()
    assert len(marks(page)["points"]) == 1


def test_the_keyboard_alone_can_click(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    page.locator("#studio canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Enter")
    assert [point["label"] for point in marks(page)["points"]] == [1, 0]


# Photos


def test_a_new_photo_takes_everything_of_the_old_one_away(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    find(page, "wheel")
    click(page, 60, 60)
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Cat", exact=True).click()
    expect(status(page)).to_contain_text("451 × 300")
    assert marks(page) == {"points": [], "boxes": []}
    settled(page)
    assert "cat" in page.get_by_label("What to find").input_value()
    click(page, 100, 100)
    drop_and_wait(page, photo)
    assert marks(page) == {"points": [], "boxes": []}
    expect(rows(page)).to_have_count(0)
    assert page.get_by_label("What to find").input_value() == ""
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_an_answer_about_the_old_photo_is_not_shown_on_the_new_one(
    page: Page, photo: Path, served: Served
) -> None:
    drop_and_wait(page, photo)
    served.predictor.pause = 0.6
    try:
        find(page, "wheel, slow one")
        drop(page, photo.with_name("other.png") if other(photo) else photo)
        expect(status(page)).to_contain_text("200 × 300")
    finally:
        served.predictor.pause = 0.0
    page.wait_for_timeout(900)
    expect(rows(page)).to_have_count(0)


def test_a_bad_file_is_told_and_leaves_everything(page: Page, photo: Path, tmp_path: Path) -> None:
    drop_and_wait(page, photo)
    click(page, 60, 60)
    expect(rows(page)).to_have_count(3)
    bad = tmp_path / "broken.png"
    bad.write_bytes(b"this is no picture")
    drop(page, bad)
    alert = page.locator("#studio [data-ref=photoError]")
    expect(alert).to_contain_text("broken.png is not a photo")
    assert len(marks(page)["points"]) == 1
    expect(rows(page)).to_have_count(3)
    big = tmp_path / "big.png"
    big.write_bytes(b"0" * (3 * 2**20))
    drop(page, big)
    expect(alert).to_contain_text("larger than 2 MB")
    click(page, 200, 60)
    assert len(marks(page)["points"]) == 2
    expect(alert).to_be_hidden()


def test_words_that_cannot_be_used_are_told_beside_the_box(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    alert = page.locator("#studio form [role=alert]")
    find(page, "")
    expect(alert).to_contain_text("Type what to find")
    click(page, 60, 60)
    expect(rows(page)).to_have_count(3)
    find(page, " , ; ")
    expect(alert).to_be_visible()
    expect(page.locator("#studio .pcs-stage [role=alert]:visible")).to_have_count(0)
    page.get_by_role("button", name="Reset").click()
    find(page, "wheel")
    expect(rows(page)).to_have_count(1)
    expect(alert).to_be_hidden()


def test_what_is_not_there_is_said(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    find(page, "unicorn: horn")
    expect(page.locator("#studio .pcs-notes")).to_contain_text("No unicorn was found")
    expect(rows(page)).to_have_count(0)


def test_open_by_the_button_and_by_paste(page: Page, photo: Path) -> None:
    page.get_by_label("Open a photo from this device").set_input_files(photo)
    expect(status(page)).to_contain_text("300 × 200")
    path = other(photo)
    page.evaluate(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        base64.b64encode(path.read_bytes()).decode(),
    )
    expect(status(page)).to_contain_text("200 × 300")


def test_a_photo_from_the_camera(page: Page) -> None:
    page.get_by_role("button", name="Take a photo").click()
    page.wait_for_function("document.querySelector('#studio video').videoWidth > 0")
    page.get_by_role("button", name="Use this photo").click()
    expect(status(page)).to_contain_text("camera")
    expect(rows(page)).to_have_count(0)


def test_a_phone_photo_is_shown_and_clicked_upright(page: Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, :150] = (230, 29, 29)  # is at the top once it stands upright
    path = tmp_path / "phone.jpg"
    Image.fromarray(picture).save(path, exif=exif, quality=95)
    drop_and_wait(page, path, "200 × 300")
    assert colour_at(page, 100, 40) == steps(230, 29, 29)
    click(page, 100, 40)
    assert marks(page)["points"][0]["y"] == pytest.approx(40, abs=1)


# The window


def test_prompts_survive_another_window_size(open_page: OpenPage, photo: Path) -> None:
    page = open_page()
    drop_and_wait(page, photo)
    click(page, 225, 150)
    before = marks(page)
    expect(rows(page)).to_have_count(3)
    for size in ({"width": 700, "height": 900}, {"width": 1500, "height": 800}):
        page.set_viewport_size(size)
        page.wait_for_timeout(200)
        assert marks(page) == before
        expect(rows(page)).to_have_count(3)
    click(page, 225, 150)
    assert marks(page)["points"] == [], "the mark is still where the photo point is"


def test_zoomed_in_a_click_still_finds_its_pixel(page: Page, photo: Path) -> None:
    drop_and_wait(page, photo)
    left, top = at(page, 150, 100)
    scale = at(page, 151, 100)[0] - left
    x, y = round(left), round(top)  # a mouse has no fractions of a pixel
    px, py = 150 + (x - left) / scale, 100 + (y - top) / scale
    page.mouse.move(x, y)
    for _ in range(4):
        page.mouse.wheel(0, -240)
    page.wait_for_timeout(150)
    assert at(page, px, py) == pytest.approx((x, y), abs=1)
    assert at(page, px + 10, py)[0] - x > 60
    page.mouse.click(x + 40, y)
    (point,) = marks(page)["points"]
    assert px < point["x"] < px + 10
    page.get_by_role("button", name="Show the whole photo").click()
    page.wait_for_timeout(100)
    click(page, point["x"], point["y"])
    assert marks(page)["points"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_no_sideways_scroll_and_works_by_touch(
    open_page: OpenPage, photo: Path, scheme: str
) -> None:
    page = open_page(viewport=SMALL, has_touch=True, is_mobile=True, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    drop_and_wait(page, photo)
    find(page, "car: a name that is much longer than a telephone is wide, front door; dog: head")
    expect(rows(page)).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    page.locator("#studio canvas").scroll_into_view_if_needed()
    page.touchscreen.tap(*at(page, 100, 100))
    assert [point["label"] for point in marks(page)["points"]] == [1]


def test_a_long_press_excludes(open_page: OpenPage, photo: Path) -> None:
    page = open_page(viewport=SMALL, has_touch=True, is_mobile=True)
    drop_and_wait(page, photo)
    x, y = at(page, 100, 100)
    session = page.context.new_cdp_session(page)
    touch = "Input.dispatchTouchEvent"
    session.send(touch, {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    page.wait_for_timeout(650)
    session.send(touch, {"type": "touchEnd", "touchPoints": []})
    assert [point["label"] for point in marks(page)["points"]] == [0]


# Layers


def test_sliders_and_layers_never_ask_the_server(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    find(page, "a; b; c")
    expect(rows(page)).to_have_count(3)
    asked = len(served.predictor.asked)
    page.get_by_label("At least this sure").fill("75")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#studio .pcs-layers")).to_contain_text("1 part is less sure")
    page.get_by_label("At least this sure").fill("0")
    seen = colour_at(page, 20, 30)
    page.get_by_role("button", name="Hide a", exact=True).click()
    assert colour_at(page, 20, 30) == steps(200, 60, 50) != seen
    page.get_by_role("button", name="Show a", exact=True).click()
    page.locator("#studio .pcs-layer__name", has_text="b").click()
    page.get_by_role("button", name="Show only these").click()
    assert colour_at(page, 20, 30) == steps(200, 60, 50)
    page.keyboard.press("Escape")
    assert colour_at(page, 20, 30) != steps(200, 60, 50)
    page.locator("#studio canvas").focus()
    page.keyboard.down(" ")
    assert colour_at(page, 20, 30) == steps(200, 60, 50)
    page.keyboard.up(" ")
    assert colour_at(page, 20, 30) != steps(200, 60, 50)
    assert len(served.predictor.asked) == asked


def test_a_click_offers_whole_part_and_sub_part(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    without_names(page)
    click(page, 60, 50)
    expect(rows(page)).to_have_count(3)
    asked = len(served.predictor.asked)
    plain = steps(200, 60, 50)
    assert colour_at(page, 60 + 35, 50) == plain, "a part has a radius of 24"
    page.get_by_role("radio", name="Whole").click()
    assert colour_at(page, 60 + 35, 50) != plain
    page.locator("#studio canvas").focus()
    page.keyboard.press("3")
    assert colour_at(page, 60 + 18, 50) == plain
    assert len(served.predictor.asked) == asked


def test_everything(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    page.get_by_role("button", name="Find everything in the photo").click()
    expect(rows(page)).to_have_count(2)
    assert served.predictor.asked[-2][0] == "everything"


# Downloads


def test_downloads_have_names_and_hold_what_is_shown(
    page: Page, photo: Path, tmp_path: Path
) -> None:
    drop_and_wait(page, photo)
    expect(page.get_by_role("button", name="Overlay PNG")).to_be_disabled()
    find(page, "car: wheel, door")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="Hide car: wheel").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="COCO JSON").click()
    assert waiting.value.suggested_filename == "my_car_coco.json"
    waiting.value.save_as(tmp_path / "coco.json")
    data = json.loads((tmp_path / "coco.json").read_text())
    assert [category["name"] for category in data["categories"]] == ["door"]
    assert data["images"][0]["width"] == 300
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Overlay PNG").click()
    assert waiting.value.suggested_filename == "my_car_overlay.png"
    waiting.value.save_as(tmp_path / "overlay.png")
    with Image.open(tmp_path / "overlay.png") as picture:
        assert picture.format == "PNG" and picture.height >= 200


def test_every_other_file_comes_from_one_menu(page: Page, photo: Path, tmp_path: Path) -> None:
    drop_and_wait(page, photo)
    menu = page.get_by_label("More files")
    expect(menu).to_be_disabled()
    find(page, "car: wheel, door")
    expect(rows(page)).to_have_count(2)
    for what, name in (
        ("cutouts", "my_car_cutouts.zip"), ("labels", "my_car_labels.zip"),
        ("svg", "my_car_svg.svg"), ("npz", "my_car_npz.npz"), ("csv", "my_car_csv.csv"),
        ("areas", "my_car_areas.png"),
    ):  # fmt: skip
        with page.expect_download() as waiting:
            menu.select_option(what)
        assert waiting.value.suggested_filename == name
        waiting.value.save_as(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 50
        expect(menu).to_have_value("")
    with zipfile.ZipFile(tmp_path / "my_car_cutouts.zip") as file:
        assert len([n for n in file.namelist() if n.endswith(".png")]) == 2


# Visitors


def test_two_visitors_have_their_own_photos(open_page: OpenPage, photo: Path) -> None:
    first, second = open_page(), open_page()
    drop_and_wait(first, photo)
    drop_and_wait(second, other(photo), "200 × 300")
    for turn in range(3):
        click(first, 40 + 60 * turn, 50)
        click(second, 40 + 50 * turn, 250)
    settled(first)
    settled(second)
    expect(status(first)).to_contain_text("300 × 200")
    expect(status(second)).to_contain_text("200 × 300")
    for page in (first, second):
        expect(page.locator("#studio .pcs-stage [role=alert]:visible")).to_have_count(0)
        expect(rows(page)).to_have_count(3)


def test_dark_and_light(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate(background)
    assert dark != light
    page.reload()
    page.wait_for_selector("[data-layer]")
    assert page.evaluate(background) == light, "the choice is remembered"
