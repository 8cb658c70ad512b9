"""A seed: the documents that tell an instance who it is, as the datasource reads and the server writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any

from blockstore import endpoint, iqn, yaml_text
from blockstore.errors import BlockstoreError, DocumentInvalid, Fault
from blockstore.lift import KEY
from blockstore.reader import text_fault
from blockstore.values import dataclass

# NoCloud's names and label, so that one seed serves cloud-init's own datasource and ours.
DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")
LABELS = ("cidata", "CIDATA")
# What leads to a metadata service, and what is wrong with each of them ("" and absent are the same).
SERVICE_WORDS: Mapping[str, Callable[[str], str | None]] = {
    "endpoint": endpoint.fault, "token": endpoint.token_fault, "ca_cert": lambda text: None,
}  # fmt: skip
# It names a folder of cloud-init's.
LONGEST_ID = 200


@dataclass(frozen=True)
class Seed:
    """The documents by name; ``source`` says where they were found, ``service`` which metadata service gave them, if one did."""

    texts: Mapping[str, bytes]
    source: str
    service: Mapping[str, object] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        """The meta-data without our block, {} where there is none."""
        return {key: value for key, value in self._meta_data.items() if key != KEY}

    @property
    def block(self) -> dict[str, Any]:
        """The meta-data's ``blockstore`` key."""
        value = self._meta_data.get(KEY)
        return value if isinstance(value, dict) else {}

    @property
    def network(self) -> dict[str, Any] | None:
        """The network configuration, with or without ``network:`` around it; None where there is none."""
        value = mapping(self.texts.get("network-config", b""), "network-config")
        inner = value.get("network")
        return (inner if isinstance(inner, dict) else value) or None

    @property
    def public(self) -> dict[str, object]:
        """What everybody may know of the block, where it is what it should be: anything else may hold a secret."""
        name, where, seconds = (self.block.get(word) for word in ("initiator_name", "endpoint", "deadline"))
        return {
            **({"endpoint": where} if isinstance(where, str) and not endpoint.fault(where) else {}),
            **({"initiator_name": name} if isinstance(name, str) and not iqn.fault(name) else {}),
            **({"deadline": seconds} if isinstance(seconds, int) and abs(seconds) < 1 << 31 else {}),
        }

    def identifier(self, otherwise: str) -> str:
        """The instance-id. Raises `BlockstoreError` where there is none, or one that can be none."""
        found = self.metadata.get("instance-id") or otherwise
        if not found:
            raise BlockstoreError(f"{self.source} holds no instance-id", hint="add one to its meta-data")
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if not isinstance(found, str) or text_fault(found) or len(found) > LONGEST_ID or not found.strip(". "):
            raise BlockstoreError(f"the instance-id of {self.source} must be a text of at most {LONGEST_ID} characters")
        return found

    @cached_property
    def _meta_data(self) -> dict[str, Any]:
        return mapping(self.texts.get("meta-data", b""), "meta-data")

    @property
    def is_pointer(self) -> bool:
        """Whether it names a metadata service and nobody's identity: the service is to be asked then."""
        return not self.metadata.get("instance-id") and bool(self.block.get("endpoint"))

    @property
    def digest(self) -> str:
        """Tells whether a seed is still the very same one."""
        return hashlib.sha256(repr([self.texts.get(name) for name in DOCUMENTS]).encode()).hexdigest()


def mapping(text: str | bytes, name: str) -> dict[str, Any]:
    """A YAML text that should be a mapping; {} where it is something else. Raises `DocumentInvalid`."""
    try:
        value = yaml_text.load(text.decode() if isinstance(text, bytes) else text)
    except UnicodeDecodeError:
        raise DocumentInvalid([Fault(name, "is not UTF-8")]) from None
    except yaml_text.Unreadable as error:
        raise DocumentInvalid(Fault(name, problem) for problem in error.problems) from None
    return value if isinstance(value, dict) else {}


def service(words: Mapping[str, object]) -> dict[str, str]:
    """Of some words those that lead to a metadata service, checked. Raises `DocumentInvalid`, quoting no secret."""
    said = {word: words[word] for word in SERVICE_WORDS if words.get(word)}
    faults = [Fault(word, problem) for word, value in said.items() if (problem := _service_fault(word, value))]
    if faults:
        raise DocumentInvalid(faults)
    return {word: str(value) for word, value in said.items()}


def _service_fault(word: str, value: object) -> str | None:
    return SERVICE_WORDS[word](value) if isinstance(value, str) else "must be a text"
