"""One Chromium for all modules of a run, which stands aside between them.

To start Playwright and a Chromium takes 2.3 seconds of a processor. Playwright keeps an
event loop running in the thread that opened it, in which the ORM and coroutines refuse to
work: between two modules with a browser that loop is not said to be the running one.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support import chromium


class OneBrowser:
    """Lends its browser to one module after the other; a dead one is replaced."""

    def __init__(self, path: str) -> None:
        """Open nothing yet; `path` is the Chromium's."""
        self._path = path
        self._manager: Any = None
        self._playwright: Playwright | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._browser: Browser | None = None

    @contextmanager
    def lent(self) -> Iterator[Browser]:
        """The browser, without a page of whoever had it before."""
        self._resume()
        try:
            yield self._opened()
        finally:
            self._stand_aside()

    def _resume(self) -> None:
        if self._playwright is None:
            self._manager = sync_playwright()
            self._playwright = self._manager.__enter__()
            self._loop = asyncio.get_running_loop()
        else:
            asyncio._set_running_loop(self._loop)

    def _opened(self) -> Browser:
        assert self._playwright is not None
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(
                executable_path=self._path, args=chromium.ARGUMENTS
            )
        return self._browser

    def _stand_aside(self) -> None:
        try:
            if self._browser is not None and self._browser.is_connected():
                for context in self._browser.contexts:
                    context.close()
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """End the browser and Playwright, if they were ever begun."""
        if self._playwright is None:
            return
        asyncio._set_running_loop(self._loop)
        if self._browser is not None:
            self._browser.close()
        self._manager.__exit__(None, None, None)
        self._playwright = None
