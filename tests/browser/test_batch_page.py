"""The page for many photos, in a real Chromium."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import PHONE, SMALL
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from visiting import OpenPage, Served


@pytest.fixture
def batch(open_page: OpenPage, served: Served) -> Iterator[OpenPage]:
    def go(start: str = "Start", **options: object) -> Page:
        page = open_page(**options)
        page.wait_for_timeout(500)  # Gradio logs an error for a stream that leaving cuts off
        page.goto(f"{served.url}batch")
        expect(page.get_by_role("button", name=start, exact=True)).to_be_enabled()
        return page

    yield go
    served.predictor.pause = 0.0


def three(photo: Path) -> list[Path]:
    broken = photo.with_name("broken.png")
    broken.write_bytes(photo.read_bytes()[:300])
    return [photo, broken, other(photo)]


def other(photo: Path, name: str = "other.png") -> Path:
    path = photo.with_name(name)
    with Image.open(photo) as picture:
        picture.rotate(90, expand=True).save(path)
    return path


def give(page: Page, photos: list[Path]) -> None:
    page.locator("#batch-photos input[type=file]").first.set_input_files(photos)
    for photo in photos:
        expect(page.locator("#batch-photos")).to_contain_text(photo.stem)


def rows(page: Page) -> Locator:
    return page.locator("#batch-rows tbody tr")


def start(page: Page) -> None:
    page.get_by_role("button", name="Start", exact=True).click()


def download(page: Page, folder: Path) -> zipfile.ZipFile:
    button = page.locator("#batch-zip")
    expect(button).to_be_enabled()
    with page.expect_download() as waited:
        button.click()
    assert waited.value.suggested_filename == "partclipseg_batch.zip"
    path = folder / "got.zip"
    waited.value.save_as(path)
    return zipfile.ZipFile(path)


def test_three_photos_become_rows_pictures_and_a_zip(
    batch: OpenPage, photo: Path, tmp_path: Path
) -> None:
    page = batch()
    give(page, three(photo))
    page.get_by_label("What to find").fill("car: wheel, door")
    page.get_by_label("One mask per part").check()
    start(page)
    expect(page.locator("#batch-rows [role=status]")).to_have_text("2 of 3 photos done")
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(0)).to_contain_text("my car.png")
    expect(rows(page).nth(0)).to_have_attribute("data-state", "done")
    expect(rows(page).nth(1)).to_contain_text("broken.png is damaged or cut off")
    expect(rows(page).nth(2).locator("td").nth(1)).to_have_text("2")
    expect(page.locator("#batch-gallery img")).to_have_count(2)
    with download(page, tmp_path) as archive:
        names = archive.namelist()
        table = io.StringIO(archive.read("summary.csv").decode("utf-8-sig"), newline="")
    assert {"my_car/my_car_overlay.png", "other/other_coco.json"} <= set(names)
    assert "other/other_masks/other_02_car_door.png" in names
    assert [row["photo"] for row in csv.DictReader(table)] == [
        "my car.png", "my car.png", "broken.png", "other.png", "other.png",
    ]  # fmt: skip
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()


def test_stop_keeps_what_is_finished(
    batch: OpenPage, served: Served, photo: Path, tmp_path: Path
) -> None:
    page = batch()
    give(page, [other(photo, f"{number}.png") for number in range(6)])
    page.get_by_label("What to find").fill("wheel")
    served.predictor.pause = 3.0
    start(page)
    expect(rows(page).nth(0)).to_have_attribute("data-state", "done")
    page.get_by_role("button", name="Stop", exact=True).click()
    told = page.locator("#batch-rows [role=status]")
    expect(told).to_have_text(re.compile("^Stopped: [1-5] of 6 photos done$"))
    done = int(told.inner_text()[len("Stopped: ")])
    expect(rows(page).nth(5)).to_have_attribute("data-state", "left")
    with download(page, tmp_path) as archive:
        names = archive.namelist()
    assert names[:2] == ["0/0_overlay.png", "0/0_coco.json"] and names[-1] == "summary.csv"
    assert len(names) == 2 * done + 1


def test_what_cannot_be_done_is_a_sentence(batch: OpenPage, photo: Path) -> None:
    page = batch()
    start(page)
    alert = page.locator("#batch-rows [role=alert]")
    expect(alert).to_have_text("There are no photos yet; drop some first.")
    give(page, [photo])
    page.get_by_label("What to find").fill(" , ")
    start(page)
    expect(alert).to_contain_text("There is no name to look for")
    page.get_by_label("What to find").fill("wheel")
    start(page)
    expect(alert).to_be_hidden()
    expect(rows(page).nth(0)).to_have_attribute("data-state", "done")


def test_the_pages_are_linked_and_gradios_own_bar_is_not_there(
    open_page: OpenPage, served: Served
) -> None:
    page = open_page()
    expect(page.get_by_role("link", name="Home")).to_be_hidden()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Batch").click()
    second = opened.value
    expect(second.get_by_role("heading", level=1)).to_have_text("PartCLIPSeg Batch")
    expect(second.get_by_role("link", name="Home")).to_be_hidden()
    assert second.url == f"{served.url}batch"
    second.get_by_role("button", name="Light or dark").click()
    dark = second.evaluate("document.body.classList.contains('dark')")
    second.get_by_role("link", name="Studio").click()
    second.wait_for_selector("[data-layer]")
    assert second.url == served.url
    assert second.evaluate("document.body.classList.contains('dark')") == dark


def test_a_korean_browser_sees_korean_on_a_phone(batch: OpenPage, photo: Path) -> None:
    page = batch("시작", locale="ko-KR", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    give(page, [photo])
    page.get_by_label("찾을 것").fill("unicorn: horn")
    page.get_by_role("button", name="시작", exact=True).click()
    expect(page.locator("#batch-rows [role=status]")).to_have_text("사진 1장 중 1장 완료")
    expect(rows(page).nth(0)).to_contain_text("사진에서 찾지 못함: unicorn.")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
