"""What is in the two packages, and what must not be."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tree import build

GUEST, SERVER = "cloud-init-blockstore", "blockstore-server"
MODULES = "./usr/lib/python3/dist-packages"


def contents(package: Path) -> dict[str, str]:
    """Path -> mode of every entry."""
    listing = subprocess.run(["dpkg-deb", "-c", str(package)], check=True, capture_output=True, text=True).stdout
    return {line.split()[5].rstrip("/"): line.split()[0] for line in listing.splitlines()}


def test_guest(packages: dict[str, Path]) -> None:
    files = contents(packages[GUEST])
    for wanted in (
        f"{MODULES}/DataSourceBlockStore.py", f"{MODULES}/cc_blockstore/__init__.py", f"{MODULES}/blockstore/run.py",
        f"{MODULES}/blockstore/templates/node-record.j2", "./usr/lib/udev/rules.d/61-blockstore.rules", "./usr/bin/blockstore",
        "./etc/cloud/clean.d/50-blockstore",
        f"./usr/share/doc/{GUEST}/examples/91_blockstore-datasource.cfg",
    ):  # fmt: skip
        assert wanted in files
    assert not [path for path in files if "metadata_server" in path or "/server/" in path]
    assert not [path for path in files if path.startswith("./etc/cloud/cloud.cfg.d/")], "no datasource list, no stale module list"
    assert not [path for path in files if "schema" in path], "cloud-init takes it for an outdated module and stops"
    for folder in ("./etc/blockstore", "./etc/blockstore/conf.d", "./var/lib/blockstore"):
        assert files[folder] == "drwx------", "tokens lie here"


def test_server(packages: dict[str, Path]) -> None:
    files = contents(packages[SERVER])
    for wanted in ("./usr/bin/blockstore-server", "./usr/share/blockstore-server/blockstore/run.py"):
        assert wanted in files
    assert not [path for path in files if path.startswith(MODULES)], "private modules"


def test_packages_share_no_file(packages: dict[str, Path]) -> None:
    both = set(contents(packages[GUEST])) & set(contents(packages[SERVER]))
    assert all(contents(packages[GUEST])[path].startswith("d") for path in both)


def test_built_twice_is_the_same(packages: dict[str, Path], tmp_path: Path) -> None:
    again = build(tmp_path)
    assert all(again[name].read_bytes() == packages[name].read_bytes() for name in (GUEST, SERVER)), "images are cached by it"
