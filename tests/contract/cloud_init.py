"""cloud-init as Debian ships it, unpacked from its packages into ``build/cloud-init`` and never installed.

Where the packages come from is read from this machine's own apt configuration; only the suite is replaced. What was
unpacked once is used again; remove the folder to look for newer ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "build/cloud-init"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# The oldest that we promise, the stable one, and the newest that can be reached: the first suite that answers.
SUITES: Mapping[str, tuple[str, ...]] = {
    "bookworm": ("bookworm",),
    "trixie": ("trixie",),
    "newest": ("sid", "testing", "trixie-backports", "trixie"),
}


class Unreachable(Exception):
    """No suite of a slot could be fetched: the tests cannot say anything, so they fail."""


@dataclass(frozen=True)
class CloudInit:
    """One unpacked cloud-init: the slot it stands for, the suite it came from, its version and its files."""

    slot: str
    suite: str
    version: str
    tree: Path

    @property
    def modules(self) -> Path:
        """The folder for PYTHONPATH."""
        return self.tree / "usr/lib/python3/dist-packages"

    @property
    def number(self) -> tuple[int, ...]:
        """The upstream version: ``(22, 4, 2)``."""
        return tuple(int(part) for part in self.version.split("-")[0].split("~")[0].split("."))

    def environment(self, *path: Path) -> dict[str, str]:
        """The environment in which Python finds this cloud-init, and before it the folders of ``path``."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join(str(folder) for folder in (*path, self.modules))}


def unpacked(slot: str) -> CloudInit:
    """The cloud-init of a slot of `SUITES`, from the store or from the archive."""
    for suite in SUITES[slot]:
        if (found := _stored(slot, suite)) or (found := _fetch(slot, suite)):
            return found
    raise Unreachable(f"none of {', '.join(SUITES[slot])} could be fetched with this machine's apt")


def _stored(slot: str, suite: str) -> CloudInit | None:
    version = STORE / suite / "version"
    return CloudInit(slot, suite, version.read_text(), version.parent / "tree") if version.exists() else None


def _fetch(slot: str, suite: str) -> CloudInit | None:
    work = STORE / f"{suite}.part"
    shutil.rmtree(work, ignore_errors=True)
    try:
        deb = _download(suite, work)
    except subprocess.CalledProcessError:
        return None
    for unwanted in ("lists", "cache"):
        shutil.rmtree(work / unwanted)
    subprocess.run(["dpkg-deb", "-x", str(deb), str(work / "tree")], check=True)
    version = subprocess.run(["dpkg-deb", "-f", str(deb), "Version"], check=True, capture_output=True, text=True).stdout.strip()
    (work / "version").write_text(version)
    shutil.rmtree(STORE / suite, ignore_errors=True)
    work.rename(STORE / suite)
    return _stored(slot, suite)


def _download(suite: str, work: Path) -> Path:
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "status").write_text("")
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {archive()} {suite} main\n")
    options = [
        f"Dir::Etc::SourceList={work}/sources.list", "Dir::Etc::SourceParts=/dev/null", f"Dir::State={work}",
        f"Dir::State::Lists={work}/lists", f"Dir::State::Status={work}/status", f"Dir::Cache={work}/cache",
        "APT::Sandbox::User=root", "Acquire::Languages=none", "APT::Update::Error-Mode=any",
    ]  # fmt: skip
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    for command in ("update", "download"):
        names = ["cloud-init"] if command == "download" else []
        subprocess.run([*apt, command, *names], cwd=work, check=True, capture_output=True, timeout=300)
    return next(work.glob("cloud-init_*.deb"))


def archive() -> str:
    """The address of the Debian archive among this machine's apt sources."""
    asked = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"]
    for line in subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines():
        origin, label, uri = line.split("|", 2)
        if (origin, label) == ("Debian", "Debian"):
            return uri
    raise Unreachable("apt's sources name no Debian archive")
