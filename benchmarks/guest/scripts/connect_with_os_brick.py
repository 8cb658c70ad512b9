"""What a user of os-brick writes: a connector for iSCSI, connect_volume for each volume, then the rest by hand.

It runs as root, so the library is told to work in this very process: no daemon of oslo.privsep is started, and no sudo. That
is kinder to it than what Cinder's own client extension does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import os_brick
from contenders.finish import finish
from job import Volume
from os_brick import privileged
from os_brick.initiator import connector
from oslo_concurrency import lockutils
from oslo_config import cfg

LOCKS = "/run/benchmark/locks"


def main(wishes: str) -> None:
    """Connect, format and mount all of them."""
    cfg.CONF([], project="benchmark")
    Path(LOCKS).mkdir(exist_ok=True)
    lockutils.set_defaults(LOCKS)
    os_brick.setup(cfg.CONF)
    privileged.default.set_client_mode(False)
    iscsi = connector.InitiatorConnector.factory("ISCSI", root_helper="", use_multipath=False)
    for wish in json.loads(Path(wishes).read_text()):
        volume = Volume(**wish)
        device = iscsi.connect_volume(_properties(volume))["path"]
        finish(str(Path(device).resolve()), volume.mount)


def _properties(volume: Volume) -> dict[str, object]:
    """connection_info["data"], as Cinder gives it."""
    return {
        "target_discovered": False, "target_portal": volume.portal, "target_iqn": volume.iqn, "target_lun": volume.lun,
        "volume_id": volume.serial, "auth_method": "CHAP", "auth_username": volume.user, "auth_password": volume.password,
        "access_mode": "rw", "encrypted": False,
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
