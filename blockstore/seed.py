"""A seed: the documents that tell an instance who it is, as the datasource reads and the server writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from blockstore.lift import KEY

# NoCloud's names and label, so that one seed serves cloud-init's own datasource and ours.
DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")
LABELS = ("cidata", "CIDATA")


@dataclass(frozen=True)
class Seed:
    """The documents by name; ``source`` says where they were found, ``service`` which metadata service gave them, if one did."""

    texts: Mapping[str, bytes]
    source: str
    service: Mapping[str, object] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        """The meta-data without our block, {} where there is none."""
        return {key: value for key, value in mapping(self.texts.get("meta-data", b"")).items() if key != KEY}

    @property
    def block(self) -> dict[str, Any]:
        """The meta-data's ``blockstore`` key."""
        value = mapping(self.texts.get("meta-data", b"")).get(KEY)
        return value if isinstance(value, dict) else {}

    @property
    def network(self) -> dict[str, Any] | None:
        """The network configuration, with or without ``network:`` around it; None where there is none."""
        value = mapping(self.texts.get("network-config", b""))
        inner = value.get("network")
        return (inner if isinstance(inner, dict) else value) or None

    @property
    def is_pointer(self) -> bool:
        """Whether it names a metadata service and nobody's identity: the service is to be asked then."""
        return not self.metadata.get("instance-id") and bool(self.block.get("endpoint"))

    @property
    def digest(self) -> str:
        """Tells whether a seed is still the very same one."""
        return hashlib.sha256(repr([self.texts.get(name) for name in DOCUMENTS]).encode()).hexdigest()


def mapping(text: str | bytes) -> dict[str, Any]:
    """A YAML text that should be a mapping; {} where it is something else. Raises yaml.YAMLError."""
    value = yaml.safe_load(text)
    return value if isinstance(value, dict) else {}
