"""A fake of the kernel's side of LIO's configfs: a folder in which what is made gets the files that the kernel would make in it.

It counts every change, and can be told to die at one: from then on the process that changes things is dead, so that nothing of
its error handling runs either.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path

import pytest

TREE = {
    r"core/[a-z_]+_\d+": {"hba_info": "HBA Index: 1 plugin: fileio version: v5.0"},
    r"core/[a-z_]+_\d+/[^/]+": {
        "control": "", "enable": "0", "info": "Status: DEACTIVATED  SectorSize: 512", "udev_path": "",
        "wwn/vpd_unit_serial": "T10 VPD Unit Serial Number: ", "attrib/emulate_tpu": "0", "attrib/emulate_write_cache": "0",
        "alua/default_tg_pt_gp/members": "",
    },
    r"iscsi/[^/]+/tpgt_\d+": {
        "enable": "0", "param/AuthMethod": "CHAP,None", "np/": "", "lun/": "", "acls/": "",
        "attrib/authentication": "1", "attrib/generate_node_acls": "1", "attrib/demo_mode_discovery": "1",
        "attrib/cache_dynamic_acls": "1",
    },
    r"iscsi/[^/]+/tpgt_\d+/np/[^/]+": {"iser": "0", "cxgbit": "0"},
    r"iscsi/[^/]+/tpgt_\d+/lun/lun_\d+": {"alua_tg_pt_gp": ""},
    r"iscsi/[^/]+/tpgt_\d+/acls/[^/]+": {
        "info": "No active iSCSI Session for Initiator Endpoint: x\n",
        **{f"auth/{name}": "" for name in ("userid", "password", "userid_mutual", "password_mutual")},
    },
    r"iscsi/[^/]+/tpgt_\d+/acls/[^/]+/lun_\d+": {"write_protect": "0"},
}  # fmt: skip


class Killed(BaseException):
    """The process is dead."""


class Kernel:
    """``root`` stands for /sys/kernel/config/target. ``die_at``: the number of the change that is not done any more."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.changes, self.die_at = root, 0, 10**9
        self._working = False  # what the kernel does by itself is no change of somebody's
        self._real = {"mkdir": os.mkdir, "rmdir": os.rmdir, "symlink": os.symlink, "unlink": os.unlink}
        self._write = Path.write_text
        for folder in ("core", "iscsi"):
            (root / folder).mkdir(parents=True)
        for name in self._real:
            patch.setattr(os, name, self._wrapped(name))
        patch.setattr(Path, "write_text", self._store())

    def made(self) -> set[str]:
        """What somebody made and nobody removed: folders, below the root."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_dir() and not path.is_symlink())
        return {str(path) for path in found if self._files(path) is not None or re.fullmatch("iscsi/[^/]+", str(path))}

    def text(self, pattern: str) -> str:
        """The one file of this pattern, "" where there is none."""
        found = list(self.root.glob(pattern))
        return found[0].read_text().strip() if found else ""

    @staticmethod
    def _files(path: Path) -> dict[str, str] | None:
        return next((files for pattern, files in TREE.items() if re.fullmatch(pattern, str(path))), None)

    def _below(self, path: object) -> Path | None:
        text = str(path)
        return Path(text).relative_to(self.root) if text.startswith(f"{self.root}/") else None

    def _count(self) -> None:
        if self.changes >= self.die_at:
            raise Killed
        self.changes += 1

    def _wrapped(self, name: str):
        real = self._real[name]

        def change(*arguments, **words):
            below = self._below(arguments[1] if name == "symlink" else arguments[0])
            if below is None or self._working:
                return real(*arguments, **words)
            self._count()
            self._working = True
            try:
                if name == "rmdir":
                    return self._rmdir(below)
                real(*arguments, **words)
                if name == "mkdir":
                    self._fill(below)
            finally:
                self._working = False
            return None

        return change

    def _fill(self, below: Path) -> None:
        for name, text in (self._files(below) or {}).items():
            path = self.root / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if name.endswith("/") else self._write(path, text + "\n")

    def _rmdir(self, below: Path) -> None:
        inside = [name for name in self.made() if name.startswith(f"{below}/")]
        links = [path for path in (self.root / below).iterdir() if path.is_symlink()]
        if inside or links:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(below))
        shutil.rmtree(self.root / below)

    def _store(self):
        kernel = self

        def write_text(path: Path, data: str, *arguments, **words) -> int:
            below = kernel._below(path)
            if below is None:
                return kernel._write(path, data, *arguments, **words)
            kernel._count()
            if not path.exists():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            return kernel._write(path, kernel._kept(path, data))

        return write_text

    def _kept(self, path: Path, data: str) -> str:
        """What is read there afterwards."""
        if path.name == "vpd_unit_serial":
            return f"T10 VPD Unit Serial Number: {data}"
        if path.name == "control":
            said = dict(each.split("=", 1) for each in data.strip().split(","))
            info = path.with_name("info").read_text()
            known = dict(re.findall(r"(File|Size): (\S+)", info))
            file, size = said.get("fd_dev_name", known.get("File", "")), said.get("fd_dev_size", known.get("Size", "0"))
            shown = f"Status: ACTIVATED  SectorSize: 512\n  TCM FILEIO ID: 0  File: {file}  Size: {size}  Mode: Buffered-WCE\n"
            self._write(path.with_name("info"), shown)
        return data
