"""The healthy re-run: where everything is as the last run left it, nothing else is imported and no process is started."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cc_blockstore import said, seal
from cc_blockstore.machine import files


def nothing_to_do(cfg: Any, cloud: Any, root: Path = Path("/")) -> bool:
    """Whether this is such a re-run; status.json then says so. False for whatever is unusual: the whole run looks at it."""
    begun, started = time.monotonic(), datetime.datetime.now(datetime.timezone.utc)
    found = seal.read(root)
    if found is None:
        return False
    try:
        with _alone(root) as alone:
            digest = seal.inputs(cfg, said.metadata(cloud), root)
            if not (alone and seal.fits(found, root, str(cloud.get_instance_id()), digest) and _listed(found)):
                return False
            _report(root, found["report"], begun, started.isoformat(timespec="milliseconds"))
    except Exception:  # a seal that is broken or of another version, a service that answers in another way
        return False
    return True


def _listed(found: dict[str, Any]) -> bool:
    """Whether the service, where there is one, lists the same attachments, all of them complete."""
    if not found["service"]:
        return True
    from cc_blockstore import exchange

    answer: list[Any] = exchange.attachments(**found["service"])
    return all(each["status"] == "attached" for each in answer) and seal.attached(answer) == found["attachments"]


def _report(root: Path, report: dict[str, Any], begun: float, started: str) -> None:
    volumes = [{**volume, "changed": False, "steps": []} for volume in report["volumes"]]
    uptime = round((time.clock_gettime(time.CLOCK_BOOTTIME) - (time.monotonic() - begun)) * 1000)
    told = {
        **report, "started": started, "duration_ms": round((time.monotonic() - begun) * 1000), "uptime_ms": uptime,
        "volumes": volumes,
    }  # fmt: skip
    files.write(root / "run/blockstore/status.json", json.dumps(told, indent=1) + "\n", 0o644)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[bool]:
    """Hold the lock of `cc_blockstore.machine.lock` if nobody else does."""
    folder = root / "run/blockstore"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
