"""What a run that left everything well saw at its end. The next run of the same boot that sees the very same has nothing to do.

A seal only ever spares work: whatever differs, is missing, or cannot be read, the whole run looks at for itself. It is a file of
root's alone (it holds the token, so that no YAML has to be read), and need not survive a crash.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from blockstore import __version__
from cc_blockstore import said
from cc_blockstore.machine import files
from cc_blockstore.machine.glimpse import boot, glimpse

STATE = 2  # of a disk in a glimpse
NAME = "var/lib/blockstore/seal.json"
SAME = ("id", "name", "size", "serial", "metadata")  # of a volume: "blank" says nothing about one that is in use


def inputs(cfg: Any, metadata: Any, root: Path) -> str:
    """A digest of everything that the document is made of. Raises TypeError and ValueError where it is nothing that JSON has."""
    parts = [each.get(said.KEY) if isinstance(each, Mapping) else None for each in (cfg, metadata)]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for name in said.files(str(root)):
        digest.update(json.dumps([name, files.read_exact(Path(name))]).encode())
    return digest.hexdigest()


def attached(attachments: Iterable[Any]) -> list[Any]:
    """The service's list without what changes of itself. Raises KeyError and TypeError where it is no such list."""
    return [[each["id"], each["mode"], [each["volume"][key] for key in SAME]] for each in attachments]


def read(root: Path) -> dict[str, Any] | None:
    """The seal of an earlier run; None where there is none."""
    try:
        found = json.loads(files.read(root / NAME))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def write(
    root: Path, instance_id: str, digest: str, service: Mapping[str, str], attachments: Iterable[Any], report: Mapping[str, Any]
) -> None:
    """Seal what is now, unless it is not sound after all. ``report`` is the run's, ``service`` how to ask it ({}: none)."""
    disks = _disks(report)
    try:
        seen = glimpse(root, disks)
        sound = _sound(seen, report, root)
    except (OSError, ValueError):
        sound = False
    if not sound:
        remove(root)
        return
    value = {
        **_of(root, instance_id, disks), "inputs": digest, "service": dict(service), "attachments": attached(attachments),
        "disks": disks, "seen": seen, "report": report,
    }  # fmt: skip
    _put(root / NAME, json.dumps(value))


def remove(root: Path) -> None:
    """From now on nothing is known to be well."""
    (root / NAME).unlink(missing_ok=True)


def fits(seal: Mapping[str, Any], root: Path, instance_id: str, digest: str) -> bool:
    """Whether it speaks of this program, this instance, this boot, this document, and of what is there now."""
    if any(seal.get(key) != value for key, value in (*_of(root, instance_id, seal["disks"]).items(), ("inputs", digest))):
        return False
    # As JSON keeps it: a tuple would never equal a list.
    return bool(glimpse(root, seal["disks"]) == seal["seen"])


def _of(root: Path, instance_id: str, disks: Mapping[str, Any]) -> dict[str, str]:
    """An instance without volumes looks the same in every boot."""
    return {"version": __version__, "instance_id": instance_id, "boot": boot(root) if disks else ""}


def _disks(report: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        Path(volume["device"]).name: [each["mount"] for each in volume["filesystems"] if each["mount"]]
        for volume in report["volumes"]
    }


def _sound(seen: Mapping[str, Any], report: Mapping[str, Any], root: Path) -> bool:
    """Something may have happened between the run's last look and this one."""
    tops = {}
    for line in seen["mounts"]:
        words = line.split(" ")
        tops[words[4].replace("\\040", " ")] = words[2]
    for volume in report["volumes"]:
        state = seen["disks"][Path(volume["device"]).name][STATE]
        if state != "LOGGED_IN":
            return False
        for each in volume["filesystems"]:
            number = files.read(root / "sys/class/block" / Path(each["device"]).name / "dev")
            if each["mount"] and tops.get(each["mount"]) != number:
                return False
    return True


def _put(path: Path, text: str) -> None:
    """Without a flush: a seal that a power cut takes is no loss."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(".seal.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", errors="surrogateescape") as file:
        file.write(text)
    os.replace(new, path)
