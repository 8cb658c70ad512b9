"""Cinder's documents, read once into frozen values. What is missing in them is a fault of Cinder's, never a guess."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from blockstore import connection_info as transports
from blockstore.connection_info import Connection
from blockstore.errors import DocumentInvalid
from blockstore.reader import Faults, Reader
from metadata_server.domain.errors import Invalid, Unavailable
from metadata_server.domain.passed import SeenAttachment, SeenVolume


def document(content: bytes) -> Mapping[str, Any]:
    """A body as JSON; {} where it is empty or something else (an error page of a proxy)."""
    try:
        found = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def volume(value: object) -> SeenVolume:
    """A volume. Raises `Unavailable` for what is none."""
    words = _mapping(value, "volume", ("id", "status", "size"))
    metadata = words.get("metadata") or {}
    return SeenVolume(
        id=str(words["id"]), name=str(words.get("name") or ""), status=str(words["status"]), size=int(words["size"]),
        created_at=str(words.get("created_at") or ""), updated_at=str(words.get("updated_at") or ""),
        description=str(words.get("description") or ""), volume_type=str(words.get("volume_type") or ""),
        origin=_origin(words), multiattach=bool(words.get("multiattach")),
        encrypted=bool(words.get("encrypted")), placed=bool(words.get("service_uuid")),
        metadata={str(key): str(text) for key, text in metadata.items()},
    )  # fmt: skip


def _origin(words: Mapping[str, Any]) -> str:
    """What it was made from, by everything that tells of it."""
    for key, text in (("snapshot_id", "a snapshot"), ("source_volid", "another volume"), ("volume_image_metadata", "an image")):
        if words.get(key):
            return text
    if str(words.get("bootable", "")).lower() == "true":
        return "a bootable disk"
    return "a consistency group" if words.get("consistencygroup_id") or words.get("group_id") else ""


def attachment(value: object) -> SeenAttachment:
    """An attachment, of a list or in full. Raises `Unavailable` for what is none."""
    words = _mapping(value, "attachment", ("id", "status", "volume_id"))
    return SeenAttachment(str(words["id"]), str(words["status"]), str(words["volume_id"]), str(words.get("instance") or ""))


def connection_info(value: object) -> Mapping[str, object]:
    """The connection_info of an attachment in full, as it came; {} where there is none yet."""
    found = value.get("connection_info") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def connection(info: Mapping[str, object], volume_id: str) -> Connection:
    """How the instance connects. Raises `Invalid` for a transport that instances do not speak, `Unavailable` for a
    connection_info that cannot be right; neither quotes a value, one of them is the secret."""
    if info.get("encrypted"):
        raise Invalid(f"Volume {volume_id} is encrypted by its volume type; an instance would have no key for it.")
    transport = info.get("driver_volume_type")
    if transport not in transports.PARSERS:
        raise Invalid(f"Volume {volume_id} is reached over {transport!r}; instances speak {', '.join(transports.PARSERS)}.")
    if info.get("volume_id", volume_id) != volume_id:
        raise Unavailable(f"Cinder answered with the connection_info of another volume than {volume_id}.")
    faults = Faults()
    try:
        found = transports.parse(Reader(info, faults))
        faults.raise_any()
    except DocumentInvalid as error:
        raise Unavailable(f"Cinder's connection_info of volume {volume_id} has {len(error.faults)} faults.") from None
    if found is None:
        raise Unavailable(f"Cinder gave no connection_info for volume {volume_id}.")
    return found


def _mapping(value: object, what: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict) or any(value.get(key) is None for key in keys):
        # A Cinder that was asked without a token answers 204 and nothing.
        raise Unavailable(f"Cinder answered with no {what}.", hint="is the endpoint Cinder's, and the authentication its own?")
    return value
