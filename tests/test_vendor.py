"""The committed browser files are those that the manifest names."""

import hashlib
import json
import re
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
PACKAGES = json.loads((VENDOR / "manifest.json").read_text())["packages"]
ENTRIES = {entry["file"]: entry for package in PACKAGES for entry in package["files"]}


@pytest.mark.parametrize("file", ENTRIES)
def test_a_file_is_what_the_manifest_says(file: str) -> None:
    digest = hashlib.sha256((VENDOR / file).read_bytes()).hexdigest()

    assert digest == ENTRIES[file]["sha256"], "renew it with `make vendor`"


def test_nothing_lies_there_that_the_manifest_does_not_name() -> None:
    files = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*.*")}
    files |= {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("LICENSE")}

    assert files - {"manifest.json"} == set(ENTRIES)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_every_package_brings_its_licence(package: dict) -> None:
    files = [entry["file"] for entry in package["files"]]

    assert package["licence"]
    assert any("LICENSE" in file for file in files)


@pytest.mark.parametrize("file", [name for name in ENTRIES if name.endswith(".css")])
def test_a_stylesheet_fetches_nothing_from_elsewhere(file: str) -> None:
    text = (VENDOR / file).read_text()

    fetched = re.findall(r"url\(\s*['\"]?([^'\")]*)", text)

    assert "@import" not in text
    assert [url for url in fetched if not url.startswith(("data:", "#"))] == []


@pytest.mark.parametrize("file", [name for name in ENTRIES if name.endswith("s")])
def test_no_file_points_at_a_source_map_that_is_not_shipped(file: str) -> None:
    assert "sourceMappingURL" not in (VENDOR / file).read_text()
