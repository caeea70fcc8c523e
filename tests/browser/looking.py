"""What every test in a browser looks at: that nothing stands over the edge, at both sizes, and a picture for a person to look at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize

PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
DESK: Final[ViewportSize] = {"width": 1280, "height": 900}
# Where pictures are kept, for whoever wants to look: `SHOUBAN_SHOTS=/tmp/shots pytest tests/browser`. Without it none is taken.
SHOTS: Final = os.environ.get("SHOUBAN_SHOTS", "")


def fits(page: Page, name: str = "", *, whole: bool = True) -> None:
    """Nothing is wider than the window. `name` is the picture's; `whole`: of the page, and not only of what stands in the window.

    A page that has only just been asked for has no `<html>` for an instant: `page.evaluate` would fail there, a locator waits.
    """
    page.wait_for_load_state()
    assert page.locator("html").evaluate("html => html.scrollWidth <= html.clientWidth"), page.url
    if name:
        picture(page, name, whole=whole)


def picture(page: Page, name: str, *, whole: bool = True) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


def said(language: str, zh: str, en: str) -> str:
    return zh if language == "zh" else en
