"""English and Korean, in a real Chromium."""

import re
from pathlib import Path

from helpers import SMALL, drop_and_wait, find, rows, settled, status
from playwright.sync_api import expect
from visiting import OpenPage

HANGUL = re.compile("[가-힣]")


def test_a_korean_browser_sees_korean_and_can_switch(open_page: OpenPage, photo: Path) -> None:
    page = open_page(locale="ko-KR", viewport=SMALL, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.lang") == "ko"
    expect(page.get_by_role("button", name="분할", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="픽업트럭")).to_be_visible()
    expect(status(page)).to_have_text(HANGUL)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    left = page.evaluate(
        """() => [...document.querySelectorAll("#studio [data-text]")]
            .filter((node) => node.offsetParent && !/[가-힣]/.test(node.textContent))
            .map((node) => node.dataset.text)"""
    )
    assert set(left) <= {"save_coco"}

    drop_and_wait(page, photo)
    page.get_by_label("찾을 것").fill("unicorn: horn")
    page.get_by_role("button", name="분할", exact=True).click()
    expect(page.locator("#studio .pcs-notes")).to_have_text("사진에서 찾지 못함: unicorn.")

    page.get_by_role("button", name="EN", exact=False).first.click()
    expect(page.locator("#studio .pcs-notes")).to_contain_text("No unicorn was found")
    find(page, "a; b")
    expect(rows(page)).to_have_count(2)
    settled(page)
    page.wait_for_timeout(500)  # Gradio logs an error for a stream that a reload cuts off
    page.reload()
    page.wait_for_selector("[data-layer]")
    expect(page.get_by_role("button", name="Segment", exact=True)).to_be_visible()


def test_an_english_browser_sees_english_and_the_switch_names_korean(open_page: OpenPage) -> None:
    page = open_page(locale="en-GB")
    switch = page.get_by_role("button", name="한국어로 보기")
    expect(switch).to_have_text("한국어")
    switch.click()
    expect(page.get_by_role("button", name="모두 찾기", exact=False).first).to_be_visible()
