"""The drawer: heat maps, plots, names for a part, code and links, the model; in a real Chromium."""

import re
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    PHONE,
    SMALL,
    click,
    drop_and_wait,
    find,
    marks,
    rows,
    settled,
    status,
)
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from visiting import OpenPage, Served

PANES = ("Heat maps", "Plots", "What is this?", "Copy as", "About the model")
HANGUL = re.compile("[가-힣]")


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def pane(page: Page) -> Locator:
    return page.locator("#studio .pcs-pane:visible")


def show(page: Page, name: str) -> Locator:
    tab(page, name).click()
    expect(tab(page, name)).to_have_attribute("aria-selected", "true")
    return pane(page)


def pictures(page: Page) -> Locator:
    return pane(page).locator(".pcs-picture")


def asked(served: Served, kind: str) -> list[dict[str, Any]]:
    return [arguments for name, arguments in served.predictor.asked if name == kind]


def arrive(page: Page, address: str) -> None:
    page.wait_for_timeout(500)  # Gradio logs an error for a stream that leaving cuts off
    page.goto(address)
    page.wait_for_selector("[data-layer]")
    settled(page)


# Tabs


def test_tabs_by_mouse_and_by_keyboard(page: Page) -> None:
    expect(pane(page)).to_have_count(0)
    first = show(page, "About the model")
    expect(first).to_have_attribute("role", "tabpanel")
    show(page, "Copy as")
    expect(pane(page)).to_have_count(1)
    tab(page, "Copy as").click()
    expect(pane(page)).to_have_count(0)

    tab(page, "Heat maps").focus()
    page.keyboard.press("ArrowLeft")
    expect(tab(page, "About the model")).to_be_focused()
    expect(pane(page)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(pane(page)).to_contain_text("million parameters")
    page.get_by_role("button", name="Close this pane").click()
    expect(pane(page)).to_have_count(0)
    expect(tab(page, "About the model")).to_be_focused()


# Heat maps


def test_a_heat_map_for_every_name_large_and_saved(page: Page, photo: Path, tmp_path: Path) -> None:
    drop_and_wait(page, photo)
    show(page, "Heat maps")
    expect(pane(page)).to_contain_text("Type words")
    find(page, "car: wheel, ${7*6}")
    expect(pictures(page)).to_have_count(2)
    expect(pictures(page).nth(0)).to_contain_text("car: wheel")
    expect(pictures(page).nth(0)).to_contain_text("cosine 0.00 to 0.10")
    expect(pictures(page).nth(1)).to_contain_text("car: ${7*6}")
    page.wait_for_function("document.querySelector('.pcs-picture img').naturalWidth > 200")

    pictures(page).nth(0).click()
    dialog = page.get_by_role("dialog", name="car: wheel")
    expect(dialog).to_be_visible()
    with page.expect_download() as waiting:
        dialog.get_by_role("link", name="Save PNG").click()
    assert waiting.value.suggested_filename == "my_car_heatmap_car_wheel.png"
    waiting.value.save_as(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as opened:
        assert opened.format == "PNG"
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(pictures(page).nth(0)).to_be_focused()

    find(page, ", ".join(f"name {number}" for number in range(13)))
    expect(pane(page).get_by_role("alert")).to_contain_text("at most 12 heat maps")
    find(page, "door")
    expect(pictures(page)).to_have_count(1)
    expect(pictures(page)).to_contain_text("door")


def test_heat_maps_are_not_drawn_anew_for_a_click(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    find(page, "wheel")
    expect(rows(page)).to_have_count(1)
    show(page, "Heat maps")
    expect(pictures(page)).to_have_count(1)
    drawn = len(asked(served, "similarity"))
    page.locator("#studio canvas").scroll_into_view_if_needed()
    click(page, 60, 60)
    expect(rows(page)).to_have_count(4)
    page.wait_for_timeout(1200)
    assert len(asked(served, "similarity")) == drawn


# Plots


def test_plots_follow_what_is_shown(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    show(page, "Plots")
    expect(pane(page)).to_contain_text("Find a part")
    find(page, "car: wheel, door, hood")
    expect(pictures(page)).to_have_count(2)
    expect(pictures(page).nth(1)).to_contain_text("Parts against names")
    assert len(asked(served, "label")[-1]["masks"]) == 3
    page.get_by_role("button", name="Hide car: wheel").click()
    expect(pane(page).locator(".pcs-pane__body--old")).to_have_count(0)
    page.wait_for_function("() => !document.querySelector('.pcs-pane__status:not(:empty)')")
    assert len(asked(served, "label")[-1]["masks"]) == 2
    page.get_by_role("button", name="Reset").click()
    expect(pane(page)).to_contain_text("Find a part")


def test_nothing_is_drawn_while_a_question_is_under_way(
    page: Page, photo: Path, served: Served
) -> None:
    drop_and_wait(page, photo)
    find(page, "wheel")
    expect(rows(page)).to_have_count(1)
    show(page, "Plots")
    expect(pictures(page)).to_have_count(2)
    before = len(served.predictor.asked)
    page.locator("#studio canvas").scroll_into_view_if_needed()
    served.predictor.pause = 0.4
    try:
        for number in range(3):
            click(page, 60 + 60 * number, 60)
        settled(page)
    finally:
        served.predictor.pause = 0.0
    expect(rows(page)).to_have_count(4)
    page.wait_for_function("() => !document.querySelector('.pcs-pane__status:not(:empty)')")
    kinds = [kind for kind, _ in served.predictor.asked[before:]]
    assert kinds[-1] == "label" and set(kinds[:-1]) == {"predict"}


# What is this?


def test_a_name_is_taken_and_given_back(page: Page, photo: Path, served: Served) -> None:
    drop_and_wait(page, photo)
    show(page, "What is this?")
    expect(pane(page)).to_contain_text("Find a part first")
    find(page, "a; b")
    expect(rows(page)).to_have_count(2)
    expect(pane(page)).to_contain_text("Which part?")
    pane(page).get_by_role("button", name="b", exact=True).click()
    expect(rows(page).nth(1)).to_have_class(re.compile("pcs-layer--chosen"))
    names = pane(page).locator(".pcs-guess")
    expect(names).to_have_count(6)
    expect(names.nth(0)).to_contain_text("hubcap")
    expect(names.nth(0)).to_contain_text("0.62")
    expect(names.nth(1)).to_contain_text("${7*6}")
    expect(pane(page)).to_contain_text("car 80%, truck 15%")
    widths = names.locator(".pcs-guess__bar").evaluate_all(
        "bars => bars.map((bar) => bar.style.getPropertyValue('--pcs-length'))"
    )
    assert widths == ["100.0%", "50.0%", "0.0%", "70.0%", "10.0%", "0.4%"]
    mask = asked(served, "what_is")[-1]["mask"]
    assert mask[:, 150:].all() and not mask[:, :150].any()

    guesses = len(asked(served, "what_is"))
    pane(page).get_by_role("button", name="car: wheel").click()
    expect(rows(page).nth(1).locator(".pcs-layer__name")).to_have_text("car wheel")
    expect(pane(page).locator(".pcs-guess__of")).to_have_text("car: wheel")
    expect(pane(page).get_by_role("button", name="car: wheel")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(rows(page).nth(1).locator(".pcs-layer__name")).to_have_text("b")
    expect(pane(page).locator(".pcs-guess__of")).to_have_text("b")
    assert len(asked(served, "what_is")) == guesses, "another name is no other mask"


# Code


def test_code_in_every_language_is_copied(open_page: OpenPage, photo: Path) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    drop_and_wait(page, photo)
    show(page, "Copy as")
    expect(pane(page)).to_contain_text("nothing to copy yet")
    expect(pane(page)).to_contain_text("Only example photos have a link")
    find(page, "car: wheel")
    code = pane(page).locator("pre")
    expect(code).to_contain_text("predictor.encode('my car.png')")
    for name, telling in (
        ("gradio_client", "handle_file('my car.png')"),
        ("curl", "/gradio_api/upload"),
        ("Command line", "--text=car: wheel"),
        ("Python", "PartPredictor"),
    ):
        pane(page).get_by_role("radio", name=name).click()
        expect(code).to_contain_text(telling)
        pane(page).get_by_role("button", name="Copy code").click()
        expect(pane(page).get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert telling in copied and copied == code.text_content()


# Links


def test_a_link_opens_what_was_on_screen(open_page: OpenPage, served: Served) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Cat", exact=True).click()
    expect(status(page)).to_contain_text("451 × 300")
    settled(page)
    find(page, 'cat: ear, "<img src=x onerror=alert(1)>"')
    expect(rows(page)).to_have_count(2)
    click(page, 100, 100)
    page.get_by_role("radio", name="Exclude").click()
    click(page, 300, 200)
    page.get_by_role("radio", name="Whole").click()
    page.get_by_label("At least this sure").fill("40")
    settled(page)
    show(page, "Copy as")
    pane(page).get_by_role("button", name="Copy link").click()
    expect(pane(page).get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(served.url) and "my car" not in link
    wanted, shown = marks(page), rows(page).count()

    other = open_page()
    other.on("dialog", lambda dialog: pytest.fail(dialog.message))
    arrive(other, link)
    expect(status(other)).to_contain_text("451 × 300")
    expect(rows(other)).to_have_count(shown)
    assert other.get_by_label("What to find").input_value() == (
        'cat: ear, "<img src=x onerror=alert(1)>"'
    )
    assert [(p["label"], round(p["x"]), round(p["y"])) for p in marks(other)["points"]] == [
        (p["label"], round(p["x"]), round(p["y"])) for p in wanted["points"]
    ]
    expect(other.get_by_role("radio", name="Whole")).to_have_attribute("aria-checked", "true")
    assert other.get_by_label("At least this sure").input_value() == "40"
    expect(other.locator("#studio .pcs-stage [role=alert]:visible")).to_have_count(0)
    expect(other.get_by_role("button", name="Undo")).to_be_disabled()


def test_what_a_link_gets_wrong_is_left_out_and_told(page: Page, served: Served) -> None:
    arrive(page, f"{served.url}?example=cat&words=cat: ear&point=440,20,1&point=900,9,1&size=big")
    expect(page.locator("#studio [data-ref=stageNote]")).to_contain_text("could not be used")
    assert [p["x"] for p in marks(page)["points"]] == [440]
    expect(rows(page)).to_have_count(4)


def test_a_link_to_a_photo_that_is_not_here(page: Page, served: Served) -> None:
    arrive(page, f"{served.url}?example=../../etc/passwd&words=x&point=1,1,1")
    expect(page.locator("#studio [data-ref=photoError]")).to_contain_text("not here")
    expect(status(page)).to_contain_text("truck")
    assert marks(page)["points"] == []


# About the model


def test_the_model_is_described_as_text(page: Page) -> None:
    about = show(page, "About the model")
    expect(about).to_contain_text("22.9 million parameters")
    expect(about).to_contain_text("For research only")
    expect(about).to_contain_text("350 photos")
    expect(about).to_contain_text("ADE20K")
    expect(about).to_contain_text("<b>elsewhere</b>")
    expect(about).to_contain_text("Left and right are not told apart")
    expect(about).to_contain_text("0.89")


# The window


@pytest.mark.parametrize("locale", ["en-GB", "ko-KR"])
def test_the_drawer_on_a_phone(open_page: OpenPage, locale: str) -> None:
    page = open_page(**PHONE, locale=locale)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(len(PANES))
    for number in range(len(PANES)):
        tabs.nth(number).click()
        size = tabs.nth(number).bounding_box()
        assert size and size["height"] >= 40
        assert size["x"] >= 0 and size["x"] + size["width"] <= SMALL["width"] + 1
        page.wait_for_function("() => !document.querySelector('.pcs-pane__status:not(:empty)')")
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
        if locale == "ko-KR":
            expect(pane(page)).to_have_text(HANGUL)


CONTRAST = """() => {
    const read = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) =>
        0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const behind = (node) => {
        const colour = read(getComputedStyle(node).backgroundColor);
        return colour.length < 4 || colour[3] === 1 ? colour : behind(node.parentElement);
    };
    const says = (node) =>
        [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    return [...document.querySelectorAll(".pcs-drawer *, .pcs-drawer__bar *")]
        .filter((node) => node.offsetParent && says(node))
        .map((node) => {
            const [a, b] = [light(read(getComputedStyle(node).color)), light(behind(node))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return [node.textContent.slice(0, 40), ratio];
        })
        .filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(open_page: OpenPage, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.locator("#studio .pcs-layer__name").first.click()
    for name in PANES:
        show(page, name)
        page.wait_for_function("() => !document.querySelector('.pcs-pane__status:not(:empty)')")
        page.mouse.move(2, 2)
        assert page.evaluate(CONTRAST) == [], name
