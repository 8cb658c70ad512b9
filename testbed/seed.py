"""The documents of a NoCloud seed for a guest that needs no metadata server.

JSON is written where cloud-init reads YAML: the one is part of the other, and Python has it built in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metadata_server.seed.iso import write_iso

# slirp's fixed network: every guest is 10.0.2.15 in one of its own, the host's 127.0.0.1 is the gateway.
# `default` as a destination is newer than cloud-init 22.4; accept-ra off saves the wait for a router that is not there.
STATIC_NETWORK: dict[str, Any] = {
    "version": 2,
    "ethernets": {
        "eth0": {
            "dhcp4": False,
            "dhcp6": False,
            "accept-ra": False,
            "addresses": ["10.0.2.15/24"],
            "routes": [{"to": "0.0.0.0/0", "via": "10.0.2.2"}],
        }
    },
}


# The same with an address in slirp's IPv6 network; optimistic-dad would spare the wait, but no netplan word says so.
DUAL_NETWORK: dict[str, Any] = {
    "version": 2,
    "ethernets": {"eth0": {**STATIC_NETWORK["ethernets"]["eth0"], "addresses": ["10.0.2.15/24", "fec0::15/64"]}},
}


@dataclass(frozen=True, kw_only=True)
class StaticSeed:
    """What the guest is told. `blockstore` is the document's block: it goes into vendor-data, which cloud-init keeps 0600 and
    does not validate at boot; `user_config` is cloud-config of the user's."""

    instance_id: str = "i-testbed"
    hostname: str = "guest"
    blockstore: Mapping[str, Any] | None = None
    user_config: Mapping[str, Any] | None = None
    network: Mapping[str, Any] = field(default_factory=lambda: STATIC_NETWORK)

    def files(self) -> dict[str, bytes]:
        """The seed's files by name."""
        meta = {"instance-id": self.instance_id, "local-hostname": self.hostname}
        vendor = {} if self.blockstore is None else {"blockstore": self.blockstore}
        return {
            "meta-data": _document(meta),
            "user-data": cloud_config(self.user_config or {}),
            "vendor-data": cloud_config(vendor),
            "network-config": _document(self.network),
        }

    def write(self, destination: Path) -> Path:
        """Write the seed as an ISO image at `destination`, which comes back."""
        write_iso(destination, self.files())
        return destination


def cloud_config(document: Mapping[str, Any]) -> bytes:
    """`document` as a #cloud-config."""
    return b"#cloud-config\n" + _document(document)


def _document(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode() + b"\n"
