"""The documents of a NoCloud seed: in the ISO with the instance's token, over HTTP without any secret.

The blockstore block stands in vendor-data: cloud-init does not check that for unknown keys, and keeps it 0600.
"""

from __future__ import annotations

from blockstore.render import render
from blockstore.secret import Secret
from metadata_server.domain.instance import Instance


def meta_data(instance: Instance, endpoint: str) -> str:
    """Who the instance is, and where its server is."""
    return render("seed/meta-data.j2", instance=instance, endpoint=endpoint)


def user_data(instance: Instance) -> str:
    """What the instance's owner gave, byte for byte; else an empty cloud-config."""
    return instance.user_data or render("seed/user-data.j2")


def vendor_data(instance: Instance, endpoint: str, token: Secret | None) -> str:
    """The blockstore block."""
    return render("seed/vendor-data.j2", instance=instance, endpoint=endpoint, token=token.reveal() if token else "")


def document(name: str, instance: Instance, endpoint: str, token: Secret | None) -> str | None:
    """One of them by its name, None where there is none."""
    if name == "meta-data":
        return meta_data(instance, endpoint)
    if name == "user-data":
        return user_data(instance)
    return vendor_data(instance, endpoint, token) if name == "vendor-data" else instance.network_config or None


def files(instance: Instance, endpoint: str, token: Secret | None) -> dict[str, str]:
    """All files by name; network-config only where there is one."""
    found = {
        "meta-data": meta_data(instance, endpoint),
        "user-data": user_data(instance),
        "vendor-data": vendor_data(instance, endpoint, token),
    }
    return {**found, "network-config": instance.network_config} if instance.network_config else found
