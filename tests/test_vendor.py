"""The committed browser files are those that the manifest names."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
FOR_TESTS = ROOT / "tests" / "vendor"


def packages_in(folder: Path) -> list[dict]:
    return json.loads((folder / "manifest.json").read_text())["packages"]


def entries_in(folder: Path) -> dict[str, dict]:
    found = packages_in(folder)
    return {entry["file"]: entry for package in found for entry in package["files"]}


PACKAGES = packages_in(VENDOR) + packages_in(FOR_TESTS)
ENTRIES = entries_in(VENDOR)


@pytest.mark.parametrize("folder", [VENDOR, FOR_TESTS], ids=["served", "for tests"])
def test_the_files_are_what_the_manifest_says(folder: Path) -> None:
    for file, entry in entries_in(folder).items():
        digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        assert digest == entry["sha256"], f"renew {file} with `make vendor`"


@pytest.mark.parametrize("folder", [VENDOR, FOR_TESTS], ids=["served", "for tests"])
def test_nothing_lies_there_that_the_manifest_does_not_name(folder: Path) -> None:
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    files |= {str(path.relative_to(folder)) for path in folder.rglob("LICENSE")}

    assert files - {"manifest.json"} == set(entries_in(folder))


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
