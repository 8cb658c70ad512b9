"""The healthy re-run: where everything is as the last run left it, nothing else is imported and no process is started.

What that run saw at its end is in a seal (`cc_blockstore.seal` writes it). A seal only ever spares work: whatever differs, is
missing, or cannot be read, the whole run looks at for itself. An instance without volumes gets here at every boot, so that what
looks at disks is imported where there are any.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from blockstore import __version__
from cc_blockstore import said

SEAL, STATUS = "var/lib/blockstore/seal.json", "run/blockstore/status.json"
INITIATOR = "etc/iscsi/initiatorname.iscsi"
REMEMBERED = ("volumes", "links", "making", "growing", "overwritten")
SAME = ("id", "name", "size", "serial", "metadata")  # of a volume: "blank" says nothing about one that is in use


def nothing_to_do(cfg: Any, cloud: Any, root: Path = Path("/")) -> bool:
    """Whether this is such a re-run; status.json then says so. False for whatever is unusual: the whole run looks at it."""
    moment = Moment()
    try:
        seal = json.loads(text(f"{root}/{SEAL}") or "{}")
        if not seal:
            return False
        with Alone(root):
            digest = inputs(cfg, said.metadata(cloud), root)
            if not (_fits(seal, root, str(cloud.get_instance_id()), digest) and _listed(seal)):
                return False
            put(f"{root}/{STATUS}", json.dumps(moment.words(), indent=1)[:-2] + "," + seal["told"][1:], 0o644)
    except Exception:  # a seal that is broken or of another version, a service that answers in another way
        return False
    return True


def inputs(cfg: Any, metadata: Any, root: Path) -> str:
    """A digest of everything that the document is made of. Raises TypeError and ValueError where it is nothing that JSON has."""
    parts = [each.get(said.KEY) if isinstance(each, Mapping) else None for each in (cfg, metadata)]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for name in said.files(str(root)):
        digest.update(json.dumps([name, text(name)]).encode())
    return digest.hexdigest()


def always(root: Path, instance_id: str, digest: str) -> dict[str, Any]:
    """What is looked at whether there are volumes or not: who this is, what is wished, what is ours on the disk."""
    kept = [_changed(f"{root}/var/lib/blockstore/{name}") for name in REMEMBERED]
    name = text(f"{root}/{INITIATOR}")
    return {"version": __version__, "instance_id": instance_id, "inputs": digest, "initiator": name, "remembered": kept}


def attached(attachments: Iterable[Any]) -> list[Any]:
    """The service's list without what changes of itself. Raises KeyError and TypeError where it is no such list."""
    return [[each["id"], each["mode"], [each["volume"][key] for key in SAME]] for each in attachments]


def _fits(seal: Mapping[str, Any], root: Path, instance_id: str, digest: str) -> bool:
    """Whether the seal speaks of what is there now; with volumes, of this boot too."""
    if any(seal[key] != value for key, value in always(root, instance_id, digest).items()):
        return False
    if "seen" not in seal:
        return True
    from cc_blockstore.machine.glimpse import boot, glimpse, linked

    if seal["boot"] != boot(root) or not linked(root, seal["links"]):
        return False
    # As JSON keeps it: a tuple would never equal a list.
    return bool(glimpse(root, seal["sessions"], seal["points"]) == seal["seen"])


def _listed(seal: Mapping[str, Any]) -> bool:
    """Whether the service, where there is one, lists the same attachments, all of them complete."""
    if not seal["service"]:
        return True
    from cc_blockstore import exchange

    answer: list[Any] = exchange.attachments(**seal["service"])
    return all(each["status"] == "attached" for each in answer) and attached(answer) == seal["attachments"]


class Moment:
    """When a run began, and how long it has taken."""

    def __init__(self) -> None:
        self._begun, self._started = time.monotonic(), datetime.datetime.now(datetime.timezone.utc)

    def words(self) -> dict[str, Any]:
        """As a report has them."""
        seconds = time.monotonic() - self._begun
        uptime = round((time.clock_gettime(time.CLOCK_BOOTTIME) - seconds) * 1000)
        started = self._started.isoformat(timespec="milliseconds")
        return {"started": started, "duration_ms": round(seconds * 1000), "uptime_ms": uptime}


class Alone:
    """In a `with` block: hold the lock of `cc_blockstore.machine.lock`. Raises BlockingIOError where somebody else does."""

    def __init__(self, root: Path) -> None:
        self._folder = f"{root}/run/blockstore"

    def __enter__(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        self._descriptor = os.open(f"{self._folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)


def text(path: str) -> str | None:
    """All of a file, bytes that are no UTF-8 included; None where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read().decode(errors="surrogateescape")
    except OSError:
        return None


def put(path: str, content: str, mode: int) -> None:
    """The old file or the new one, for whoever reads it. Without a flush: what a power cut takes here is no loss."""
    new = os.path.join(os.path.dirname(path), ".new")
    if os.path.lexists(new):  # of a run that was ended
        os.unlink(new)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content.encode())
        os.fchmod(descriptor, mode)
    os.replace(new, path)


def _changed(folder: str) -> int:
    """When a file in it came, went or was replaced."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
