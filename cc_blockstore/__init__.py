"""cloud-init's config module ``blockstore``: attach, partition, format once and mount the volumes of this instance.

Importing this package must need the standard library alone and must not fail: cloud-init does not guard the import, and
an exception here would stop every other config module. For the same reason nothing in it is called ``schema``.
"""

from __future__ import annotations

import logging
from typing import Any

LOG = logging.getLogger(__name__)

LONGEST_LINE = 4000

meta = {
    "id": "cc_blockstore",
    "name": "Blockstore",
    "title": "Attach, format once and mount network volumes",
    "description": "",
    "examples": [],
    "distros": ["all"],
    # A semaphore per instance would never try a failed volume again; a re-run on a healthy machine changes nothing.
    "frequency": "always",
    "activate_by_schema_keys": [],
}


def handle(*args: Any, **kwargs: Any) -> None:
    """cloud-init's entry point, in the shapes of all versions from 22.4.

    Up to 23.1 it is called as ``(name, cfg, cloud, log, args)``, later by keyword without ``log``. Two parameters in the
    signature are the one form that none of them deprecates. Raises one sanitized RuntimeError, and only where a volume with
    ``required: true`` did not come up; all else is a warning, and the boot goes on.
    """
    cfg = kwargs["cfg"] if "cfg" in kwargs else args[1]
    cloud = kwargs["cloud"] if "cloud" in kwargs else args[2]
    try:
        from cc_blockstore import said

        if not said.anything(cfg, cloud):
            return
        from cc_blockstore import unchanged

        if unchanged.nothing_to_do(cfg, cloud):
            return
        from cc_blockstore import idle

        if idle.nothing_to_do(cfg, cloud):
            return
        from cc_blockstore import bootstrap

        outcome = bootstrap.at_boot(cfg, cloud)
        warning, error = outcome.warning, outcome.error
    except Exception as unexpected:
        # The text of an unexpected error may quote anything, so only its kind is told; no secret may reach the log.
        told = f"unexpected {type(unexpected).__name__}; run 'blockstore apply' for the details"
        required = _required(cfg, cloud)
        warning, error = ("", f"required volumes may be missing: {required}: {told}") if required else (told, "")
    if warning:
        LOG.warning("blockstore: %s", _shortened(warning))
    if error:
        raise RuntimeError(_shortened(error)) from None


def _required(cfg: Any, cloud: Any) -> str:
    """The names of the volumes that must be there; "" where not even that can be found out."""
    try:
        from cc_blockstore import bootstrap

        return ", ".join(bootstrap.required_at_boot(cfg, cloud))
    except Exception:
        return ""


def _shortened(text: str) -> str:
    """What fits into one line of a log; all of it stands in status.json."""
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}… (all of it: 'blockstore status')"
