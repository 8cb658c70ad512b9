"""An instance: what the server knows of it. Its tokens are not here: of them only hashes exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blockstore import iqn
from metadata_server.domain.errors import Invalid

# Nova's own limit for user-data is 65535 bytes of base64; a NoCloud seed has none, a database row should.
LARGEST_DOCUMENT = 256 * 1024
LONGEST_NAME = 63


@dataclass(frozen=True)
class Instance:
    """``user_data`` and ``network_config`` are kept as they were given; "" is none."""

    id: str
    name: str
    initiator_name: str
    created_at: str
    user_data: str = ""
    network_config: str = ""


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


def _label(label: str) -> bool:
    return bool(label) and label.isascii() and label.replace("-", "").isalnum() and not label.startswith("-")
