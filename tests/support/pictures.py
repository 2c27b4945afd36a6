"""Pictures of what tests have on the screen: wide and narrow, light and dark, for human eyes.

`make pictures` sets `PICTURES` to a folder; without it nothing is taken.
"""

import os
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

SIZES = (ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844))
SCHEMES: tuple[Any, ...] = ("light", "dark")


def take(page: Page, name: str) -> None:
    """Keep the page as four PNG files `name-width-scheme.png`; it is wide and light after."""
    folder = os.environ.get("PICTURES")
    if not folder:
        return
    before = page.viewport_size
    stem = re.sub(r"[^\w-]+", "-", name).strip("-").lower()
    for size in SIZES:
        for scheme in SCHEMES:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(150)  # whatever fades, has faded
            file = Path(folder) / f"{stem}-{size['width']}-{scheme}.png"
            page.screenshot(path=file)
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)
