"""A Chromium for the browser tests: found on the machine, or installed.

`python -m tests.support.chromium` prints the path of one and installs it if need be:
with apt when root, else Playwright's own build.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# For each window Chromium draws two pages of its own, for what drops down from an address bar
# that nobody sees: a process and a quarter of a second for each context of a test. The
# others are those that Playwright switches off, because the last list counts.
FEATURES_OFF = [
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay"),
    *("MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints"),
    *("NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
]
# Root needs --no-sandbox, a small /dev/shm the second; the others keep a browser that
# has no network from asking for updates and models.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    f"--disable-features={','.join(FEATURES_OFF)}",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
]


class NoChromiumError(RuntimeError):
    """There is no Chromium here and none could be installed."""


def playwrights_own() -> str | None:
    """The build that `playwright install chromium` leaves, if it was run."""
    try:
        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
    except PlaywrightError:
        return None
    return path if Path(path).exists() else None


def find() -> str | None:
    """The path of a Chromium; CHROMIUM in the environment goes first."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given
    for name in NAMES:
        path = shutil.which(name)
        # Ubuntu's package is a stub that sends people to snap.
        if path and _answers(path):
            return path
    return playwrights_own()


def _answers(path: str) -> bool:
    command = [path, "--version"]
    try:
        asked = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def install() -> None:
    """Try the ways there are, one after the other, until one is found."""
    playwright = [sys.executable, "-m", "playwright", "install"]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update", "-qq"])
        if _run(["apt-get", "install", "-y", "-qq", "chromium"]) and find():
            return
        _run([*playwright, "--with-deps", "chromium"])
    else:
        _run([*playwright, "chromium"])


def _run(command: list[str]) -> bool:
    print(f"== {' '.join(command)}", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment
    )
    return done.returncode == 0


def find_or_install() -> str:
    """The path of a Chromium that can be started."""
    path = find()
    if path is None:
        install()
        path = find()
    if path is None:
        raise NoChromiumError(
            "No Chromium: none of "
            + ", ".join(NAMES)
            + " is on PATH and none could be installed."
            " Set CHROMIUM=/path/to/one, or run: .venv/bin/playwright install chromium"
        )
    return path


if __name__ == "__main__":
    try:
        print(find_or_install())
    except NoChromiumError as error:
        sys.exit(str(error))
