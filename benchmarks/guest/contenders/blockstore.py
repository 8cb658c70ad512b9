"""Ours: cloud-init calls the module, as it does in the config stage."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from job import Job

_STATE: dict[str, Any] = {}


def prepare(job: Job) -> None:
    """cloud-init's own objects, from the datasource of this boot, as the instance that the service knows."""
    from cloudinit import stages
    from cloudinit.config.modules import Modules

    init = stages.Init(ds_deps=[])
    init.read_cfg([])
    init.fetch(existing="trust")
    _STATE.update(cfg={**Modules(init, []).cfg, "blockstore": job.document}, cloud=init.cloudify())
    _STATE["cloud"].get_instance_id = lambda: job.instance_id
    logging.getLogger().addHandler(logging.NullHandler())


def bring_up(job: Job) -> None:
    """From the import of the module to its return."""
    import cc_blockstore

    cc_blockstore.handle("blockstore", _STATE["cfg"], _STATE["cloud"], [])


def detail(seconds: float) -> Mapping[str, Any]:
    """Where the time went, from our own report: volumes side by side, so the steps' sums are larger than the whole."""
    try:
        report = json.loads(Path("/run/blockstore/status.json").read_text())
    except OSError:
        return {}
    steps = [step for volume in report["volumes"] for step in volume["steps"]]
    begin = min((step["start_ms"] for step in steps), default=0)
    end = max((step["start_ms"] + step["ms"] for step in steps), default=0)
    reasons = (
        [volume["reason"] for volume in report["volumes"] if volume["reason"]]
        + report.get("faults", [])
        + report.get("notes", [])
    )
    return {
        "import": seconds * 1000 - report["duration_ms"], "prepare": begin, "volumes": end - begin,
        "after": report["duration_ms"] - end, "steps": steps, "reasons": reasons,
    }  # fmt: skip
