"""A guest's file tree, laid out from the testbed's package layer, in which dpkg runs for real (no boot, no network)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HEALTH = Path(__file__).with_name("health.py")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def build(folder: Path, version: str = "") -> dict[str, Path]:
    """Build into a folder; the packages by name."""
    environment = {**os.environ, **({"DEB_VERSION": version} if version else {})}
    done = subprocess.run([str(ROOT / "debian/build"), str(folder)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


class Tree:
    """One unpacked guest at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside; its output is part of a failure."""
        done = subprocess.run(
            ["chroot", str(self.path), *command], env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def dpkg(self, action: str, package: str | Path) -> str:
        """``dpkg ACTION PACKAGE``; a path is copied in first. Returns what it said."""
        if isinstance(package, Path):
            shutil.copy(package, self.path / "tmp" / package.name)
            package = f"/tmp/{package.name}"
        done = self.run("dpkg", action, package)
        return done.stdout + done.stderr

    def health(self) -> dict[str, Any]:
        """What ``health.py`` says inside."""
        shutil.copy(HEALTH, self.path / "tmp/health.py")
        answer: dict[str, Any] = json.loads(self.run("python3", "/tmp/health.py").stdout.splitlines()[-1])
        return {**answer, "identified": self.identified()}

    def commands(self) -> None:
        """cloud-init's own commands start, and end well."""
        self.run("cloud-init", "--version")
        (self.path / "tmp/user-data").write_text("#cloud-config\nruncmd: [ls]\n")
        self.run("cloud-init", "schema", "--config-file", "/tmp/user-data")

    def modules(self) -> list[Any]:
        """cloud-init's list of config modules."""
        code = "import json; from cloudinit.util import read_conf_with_confd as read; "
        code += "print(json.dumps(read('/etc/cloud/cloud.cfg')['cloud_config_modules']))"
        return list(json.loads(self.run("python3", "-c", code).stdout))

    def identified(self) -> str:
        """What ds-identify makes of a NoCloud seed: the datasource of an existing machine."""
        seed = self.path / "var/lib/cloud/seed/nocloud"
        seed.mkdir(parents=True, exist_ok=True)
        for name in ("meta-data", "user-data"):
            (seed / name).write_text("{}\n")
        self.run("sh", "/usr/lib/cloud-init/ds-identify", "--force", check=False)
        result = self.path / "run/cloud-init/cloud.cfg"
        return result.read_text() if result.exists() else ""

    def ours(self) -> list[str]:
        """Every file and folder that carries our name, but for the .deb files and the list of installed packages."""
        spared = (str(self.path / "tmp"), str(self.path / "proc"))
        found = []
        for folder, folders, files in os.walk(self.path):
            if not folder.startswith(spared):
                found += [
                    str(Path(folder, name).relative_to(self.path)) for name in folders + files if "blockstore" in name.lower()
                ]
        return sorted(found)

    def conffile_package(self, name: str, path: str, text: str) -> Path:
        """A small .deb with one conffile, as a vendor's package that configures cloud-init."""
        work = self.path.parent / name
        target = work / path.lstrip("/")
        target.parent.mkdir(parents=True)
        target.write_text(text)
        (work / "DEBIAN").mkdir()
        (work / "DEBIAN/conffiles").write_text(f"{path}\n")
        (work / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a test <a@test.example>\nDescription: a test\n"
        )
        deb = work.with_suffix(".deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(work), str(deb)], check=True, capture_output=True)
        shutil.rmtree(work)
        return deb
