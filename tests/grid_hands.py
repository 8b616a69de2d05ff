"""Hands on the lines grid: what browser tests share."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

PASTE = """text => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const how = { clipboardData: data, bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", how));
}"""


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def rows(page: Page) -> Locator:
    return page.locator("table.lines-grid tbody tr:not(.gap)")


def column(page: Page, name: str) -> int:
    heads = [text.strip("* \n") for text in page.locator("table.lines-grid thead th").all_inner_texts()]
    return heads.index(name)


def cell(page: Page, line: int, name: str) -> Locator:
    """The cell of a line (counted from 0), by the words in the head of its column."""
    return rows(page).nth(line).locator("td").nth(column(page, name))


def texts(page: Page, name: str) -> list[str]:
    """What stands in a column, line by line; of links the code."""
    at = column(page, name)
    found = [row.locator("td").nth(at).inner_text().strip() for row in rows(page).all()]
    return [text.split()[-1] if text else "" for text in found]


def active(page: Page) -> tuple[int, str]:
    """(line, column) that the hands are in."""
    found: list[int] = page.evaluate(
        "() => { const td = document.querySelector('table.lines-grid td.active');"
        " return [Number(td.parentElement.getAttribute('aria-rowindex')) - 2, td.cellIndex]; }"
    )
    heads = [text.strip("* \n") for text in page.locator("table.lines-grid thead th").all_inner_texts()]
    return found[0], heads[found[1]]


def paste(page: Page, text: str) -> None:
    page.evaluate(PASTE, text)
