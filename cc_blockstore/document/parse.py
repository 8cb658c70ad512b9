"""The ``blockstore`` document as frozen types; all its faults at once, each with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from blockstore import attachment, endpoint, iqn, tree
from blockstore.attachment import Attachment
from blockstore.errors import DocumentInvalid, Fault
from blockstore.iscsi import IscsiPath
from blockstore.reader import Faults, Reader, key_shown, shown, text_fault
from blockstore.secret import Secret
from blockstore.values import dataclass
from cc_blockstore.document import wishes
from cc_blockstore.document.wishes import Words
from cc_blockstore.wish import VolumeWish

KEYS = ("endpoint", "token", "ca_cert", "initiator_name", "deadline", "attachments", "volumes")
EVERY_VOLUME = "*"
DEADLINE = 60
HINT = "see 'blockstore validate FILE'"
# Certificates only: what is written to a file for everybody to read must hold no private key.
_PEM = r"\s*(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,65536}-----END CERTIFICATE-----\s*){1,200}"


@dataclass(frozen=True)
class Document:
    """The document, complete. ``deadline`` in seconds; ``attachments`` None where the key is absent."""

    endpoint: str = ""
    token: Secret | None = None
    ca_cert: str = ""
    initiator_name: str = ""
    deadline: int = DEADLINE
    attachments: tuple[Attachment, ...] | None = None
    wishes: tuple[tuple[str, Words], ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether volumes of this instance are named at all, here or at a server."""
        return bool(self.endpoint) or self.attachments is not None

    def wish(self, subject: Attachment) -> VolumeWish | None:
        """What is wished of this volume; None where nobody wishes anything. Raises `DocumentInvalid`."""
        faults = Faults()
        theirs = wishes.from_metadata(subject.volume.metadata, faults)
        said = [*([theirs] if theirs else []), *self._said(subject)]
        wish = wishes.complete(wishes.layered(said), faults, f"volumes.{key_shown(subject.volume.name)}") if said else None
        faults.raise_any()
        return wish

    def requires(self, subject: Attachment) -> bool:
        """Whether somebody says `required` of this volume, be the rest of its wish right or wrong."""
        theirs = wishes.from_metadata(subject.volume.metadata, Faults())
        return bool(wishes.layered([*([theirs] if theirs else []), *self._said(subject)]).required)

    def _said(self, subject: Attachment) -> list[Words]:
        """What the document says of a volume: by its name, then by its id, or where it has neither, of all others."""
        return [self._words[key] for key in self.keys(subject) if key in self._words]

    def keys(self, subject: Attachment) -> tuple[str, ...]:
        """Under which keys the document's word of this volume stands."""
        own = (subject.volume.name, subject.volume.id)
        return own if any(key in self._words for key in own) else (*own, EVERY_VOLUME)

    @cached_property
    def _words(self) -> Mapping[str, Words]:
        return dict(self.wishes)

    def required_names(self) -> tuple[str, ...]:
        """The names and ids of volumes that must be there, attached or not."""
        return tuple(name for name, words in self.wishes if words.required and name != EVERY_VOLUME)

    @property
    def requires_all(self) -> bool:
        """Whether every volume that has no wish of its own must be there."""
        return EVERY_VOLUME in self._words and bool(self._words[EVERY_VOLUME].required)

    def wished_by_name(self, name: str) -> bool:
        """Whether a wish names a volume by this name."""
        return name in self._words


def parse(value: object) -> Document:
    """Read the merged document. Raises `DocumentInvalid` with all faults; the texts of secrets are in none of them."""
    faults = Faults()
    if problem := tree.fault(value):
        raise DocumentInvalid([Fault("", f"the blockstore document {problem}")])
    reader = Reader(value, faults)
    reader.only(KEYS)
    token = reader.text("token", check=endpoint.token_fault)
    document = Document(
        endpoint=(reader.text("endpoint", check=endpoint.fault) or "").rstrip("/"),
        token=Secret(token) if token else None,
        ca_cert=_ca_cert(reader),
        initiator_name=reader.text("initiator_name", check=iqn.fault) or "",
        deadline=reader.integer("deadline", least=5, most=3600) or DEADLINE,
        attachments=_attachments(reader) if "attachments" in reader else None,
        wishes=_wishes(reader.inner("volumes")),
    )
    faults.raise_any()
    return document


def required_in(raw: object) -> tuple[str, ...]:
    """The names of the volumes that must be there by a document that may be wrong in any way."""
    found = raw.get("volumes") if isinstance(raw, Mapping) else None
    words = found.items() if isinstance(found, Mapping) else ()
    said = [name for name, each in words if isinstance(each, Mapping) and each.get("required") is True]
    return tuple(key_shown(name) for name in said if isinstance(name, str))


def _ca_cert(reader: Reader) -> str:
    value = reader.value("ca_cert")
    if not isinstance(value, str) or not value.lstrip().startswith("-----BEGIN"):
        return reader.text("ca_cert", check=_path_fault) or ""
    if not re.fullmatch(_PEM, value):  # it has line ends, which `Reader.text` would refuse
        reader.faults.add(reader.at("ca_cert"), "must be a path, or certificates as PEM and nothing else")
    return value


def _path_fault(text: str) -> str | None:
    return None if text.startswith("/") else f"must be an absolute path or a PEM, not {shown(text)}"


def _attachments(reader: Reader) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    ids: set[str] = set()
    paths: dict[IscsiPath, str] = {}
    for each in reader.each("attachments"):
        one = attachment.parse_written(each)
        if one is None:
            continue
        if one.connection is None:
            each.faults.add(each.at("connection_info"), "is missing")
        if one.volume.id in ids:
            each.faults.add(each.at("volume.id"), f"{one.volume.id} is attached twice")
        for path in one.connection.paths if one.connection else ():
            if paths.setdefault(path, one.volume.id) != one.volume.id:
                each.faults.add(each.at("connection_info"), f"{path} is volume {paths[path]} already")
        ids.add(one.volume.id)
        found.append(one)
    return tuple(found)


def _wishes(reader: Reader) -> tuple[tuple[str, Words], ...]:
    found = []
    for key in reader.names():
        path = reader.at(key)
        if problem := text_fault(key):
            reader.faults.add(path, problem)
        words = wishes.read(reader.inner(key))
        if key == EVERY_VOLUME and words.overwrite:
            reader.faults.add(f"{path}.overwrite", "existing data may be destroyed only where a volume is named")
        # Completed on its own too, so that contradictions within one entry come out with all other faults.
        wishes.complete(words, reader.faults, path)
        found.append((key, words))
    _shared_mounts(found, reader)
    return tuple(found)


def _shared_mounts(found: list[tuple[str, Words]], reader: Reader) -> None:
    taken: dict[str, str] = {}
    for key, words in found:
        entries = [words, *(inner for _, inner in words.partitions or ())]
        for mount in (entry.mount for entry in entries if entry.mount not in (None, wishes.NONE)):
            if str(mount) in taken:
                reader.faults.add(f"{reader.at(key)}.mount", f"{mount} is the mount point of {shown(taken[str(mount)])} already")
            taken[str(mount)] = key
