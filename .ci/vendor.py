"""Renew the browser files that come from the npm registry (`make vendor`).

static/vendor is served, tests/vendor only used by tests. The manifest.json of each folder
names what is taken and from which version. Without an argument the pinned versions are fetched again and must be, byte for byte, what the
manifest says. `make vendor VERSIONS="htmx.org=4.0.2"` moves a pin and records new sums.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "static" / "vendor", ROOT / "tests" / "vendor")

# Source maps are not shipped, and a hashed static files storage refuses a file that
# points at one that is missing.
SOURCE_MAP = re.compile(rb"\n?(//|/\*)# sourceMappingURL=[^\s*]+( ?\*/)?\s*\Z")


def sha256(data: bytes) -> str:
    """The digest as the manifest writes it."""
    return hashlib.sha256(data).hexdigest()


def fetch(name: str, version: str, folder: Path) -> Path:
    """Download one package; returns the path of its archive."""
    done = subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{version}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return folder / done.stdout.strip().splitlines()[-1]


def read_member(archive: Path, member: str) -> bytes:
    """One file of the archive, ending as our repository keeps it."""
    with tarfile.open(archive) as packed:
        stream = packed.extractfile(f"package/{member}")
        if stream is None:
            raise SystemExit(f"{archive.name} holds no file {member}")
        data = stream.read()
    return SOURCE_MAP.sub(b"", data).rstrip() + b"\n"


def renew(
    package: dict[str, Any], version: str, folder: Path, vendor: Path
) -> list[str]:
    """Fetch one package into `vendor`; returns what differs from the manifest."""
    moved = version != package["version"]
    archive = fetch(package["name"], version, folder)
    sums = {"archive": sha256(archive.read_bytes())}
    problems = []
    if not moved and package["archive_sha256"] not in ("", sums["archive"]):
        return [f"{package['name']}@{version}: the registry's archive is another one"]
    for entry in package["files"]:
        target = vendor / entry["file"]
        # The package ships no licence text: ours is kept, and looked at on a new version.
        data = (
            read_member(archive, entry["from"])
            if entry["from"]
            else target.read_bytes()
        )
        if not moved and entry["sha256"] not in ("", sha256(data)):
            problems.append(f"{entry['file']} differs from the manifest")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        entry["sha256"] = sha256(data)
        print(f"  {entry['file']}  {len(data):,} bytes")
    package["archive_sha256"], package["version"] = sums["archive"], version
    return problems


def renew_all(manifest: Any, pins: dict[str, str], vendor: Path) -> list[str]:
    """Renew every package of one manifest, taking its pins; returns the problems."""
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for package in manifest["packages"]:
            version = pins.pop(package["name"], package["version"])
            print(f"{package['name']}@{version}")
            problems += renew(package, version, Path(folder), vendor)
    return problems


def main() -> int:
    """Renew every package of both manifests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pins", nargs="*", metavar="name=version")
    pins = dict(pin.rsplit("=", 1) for pin in parser.parse_args().pins)
    problems = []
    for vendor in FOLDERS:
        manifest = json.loads((vendor / "manifest.json").read_text())
        found = renew_all(manifest, pins, vendor)
        if not found:
            text = json.dumps(manifest, indent=2) + "\n"
            (vendor / "manifest.json").write_text(text)
        problems += found
    problems += [f"{name} is in no manifest" for name in pins]
    for problem in problems:
        print(f"FAILED  {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
