"""What a run that left everything well saw at its end, for the next one to compare with (`cc_blockstore.unchanged` does).

It is a file of root's alone (it holds the token, so that no YAML has to be read), and need not survive a crash.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cc_blockstore.unchanged import SEAL, always, attached, put, text

MOMENT = ("started", "duration_ms", "uptime_ms")  # what is of one run alone in a report


def write(
    root: Path, instance_id: str, digest: str, service: Mapping[str, str], attachments: Iterable[Any], report: Mapping[str, Any]
) -> None:
    """Seal what is now, unless it is not sound after all. ``report`` is the run's, ``service`` how to ask it ({}: none)."""
    value = {"service": dict(service), "attachments": attached(attachments), "told": _told(report)}
    try:
        value |= _of_volumes(root, report["volumes"])
    except (OSError, ValueError):
        remove(root)
        return
    os.makedirs(f"{root}/{os.path.dirname(SEAL)}", mode=0o700, exist_ok=True)
    put(f"{root}/{SEAL}", json.dumps({**always(root, instance_id, digest), **value}), 0o600)


def remove(root: Path) -> None:
    """From now on nothing is known to be well."""
    (root / SEAL).unlink(missing_ok=True)


def _told(report: Mapping[str, Any]) -> str:
    """The text of a status.json, but for the moment, of a run that finds all this and changes nothing."""
    volumes = [{**volume, "changed": False, "steps": []} for volume in report["volumes"]]
    return json.dumps({**{key: report[key] for key in report if key not in MOMENT}, "volumes": volumes}, indent=1) + "\n"


def _of_volumes(root: Path, volumes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Raises OSError and ValueError, where something has happened between the run's last look and this one, too. An instance
    without volumes looks the same in every boot."""
    if not volumes:
        return {}
    from cc_blockstore.machine.device import link_name
    from cc_blockstore.machine.glimpse import boot, glimpse, session

    sessions = {disk: session(root, disk) for disk in (os.path.basename(volume["device"]) for volume in volumes)}
    points = [each["mount"] for volume in volumes for each in volume["filesystems"] if each["mount"]]
    seen = glimpse(root, sessions, points)
    if not _sound(root, seen, volumes):
        raise ValueError("not as it was a moment ago")
    links = [link_name(volume["id"]) for volume in volumes] if os.path.exists(f"{root}/run/udev/control") else []
    return {"boot": boot(root), "sessions": sessions, "points": points, "links": links, "seen": seen}


def _sound(root: Path, seen: Mapping[str, Any], volumes: Iterable[Mapping[str, Any]]) -> bool:
    from cc_blockstore.machine.glimpse import STATE

    tops = {}
    for line in seen["mounts"]:
        words = line.split(" ")
        tops[words[4].replace("\\040", " ")] = words[2]
    for volume in volumes:
        if seen["disks"][os.path.basename(volume["device"])][STATE].strip() != "LOGGED_IN":
            return False
        for each in volume["filesystems"]:
            number = text(f"{root}/sys/class/block/{os.path.basename(each['device'])}/dev") or ""
            if each["mount"] and tops.get(os.path.realpath(each["mount"])) != number.strip():
                return False
    return True
