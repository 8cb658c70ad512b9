"""An instance: what the server knows of it. Its tokens are not here: of them only hashes exist."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from blockstore import iqn
from metadata_server.domain.errors import Invalid

# Nova's own limit for user-data is 65535 bytes of base64; a NoCloud seed has none, a database row should.
LARGEST_DOCUMENT = 256 * 1024
LONGEST_NAME = 63
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True)
class Instance:
    """``user_data`` and ``network_config`` are kept as they were given; "" is none. ``project_id``: the project that Nova's
    proxy must name with it ("": any). ``addresses``: those that requests of this instance come from."""

    id: str
    name: str
    initiator_name: str
    created_at: str
    user_data: str = ""
    network_config: str = ""
    project_id: str = ""
    addresses: tuple[str, ...] = ()


def check_new(name: str, initiator_name: str, documents: Mapping[str, str]) -> None:
    """Raises `Invalid` for what no instance may be. The name becomes the host name (RFC 1123 labels)."""
    labels = name.split(".")
    if len(name) > LONGEST_NAME or not all(_label(label) for label in labels):
        raise Invalid(f"{name!r} is not a host name (letters, digits and '-', at most {LONGEST_NAME} characters)")
    problem = iqn.fault(initiator_name)
    if problem:
        raise Invalid(problem)
    for what, text in documents.items():
        if len(text.encode()) > LARGEST_DOCUMENT:
            raise Invalid(f"{what} has more than {LARGEST_DOCUMENT} bytes")


def check_id(identifier: str) -> None:
    """Raises `Invalid` for an id that cannot stand in a path, a folder's name and a header (Nova's are UUIDs)."""
    if not _ID.fullmatch(identifier):
        raise Invalid(f"{identifier[:100]!r} is not an instance id (letters, digits, '.', '_' and '-', at most 200)")


def address(text: str) -> str:
    """An address as it is kept. Raises `Invalid` for what is none, or is no single machine's."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise Invalid(f"{text[:100]!r} is not an IP address") from None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_unspecified or found.is_multicast or found.is_link_local:
        raise Invalid(f"{found} is not the address of one instance")
    return str(found)


def _label(label: str) -> bool:
    return bool(label) and label.isascii() and label.replace("-", "").isalnum() and not label.startswith("-")
