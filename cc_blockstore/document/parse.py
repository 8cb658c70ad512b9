"""The ``blockstore`` document as frozen types; all its faults at once, each with its path."""

from __future__ import annotations

from dataclasses import dataclass

from blockstore import attachment, iqn
from blockstore.attachment import Attachment
from blockstore.reader import Faults, Reader
from blockstore.secret import Secret
from cc_blockstore.document import wishes
from cc_blockstore.document.wishes import Words
from cc_blockstore.wish import VolumeWish

KEYS = ("endpoint", "token", "ca_cert", "initiator_name", "deadline", "attachments", "volumes")
EVERY_VOLUME = "*"
DEADLINE = 60
HINT = "see 'blockstore validate FILE'"


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
        named = [words for key in (subject.volume.name, subject.volume.id) for name, words in self.wishes if name == key]
        others = [words for name, words in self.wishes if name == EVERY_VOLUME]
        theirs = wishes.from_metadata(subject.volume.metadata, faults)
        said = [*([theirs] if theirs else []), *(named or others)]
        wish = wishes.complete(wishes.layered(said), faults, f"volumes.{subject.volume.name}") if said else None
        faults.raise_any()
        return wish

    def requires(self, subject: Attachment) -> bool:
        """Whether the document says `required` of this volume, be the rest of its wish right or wrong."""
        keys = (subject.volume.name, subject.volume.id)
        named = [words for name, words in self.wishes if name in keys]
        others = [words for name, words in self.wishes if name == EVERY_VOLUME]
        return bool(wishes.layered(named or others).required)

    def required_names(self) -> tuple[str, ...]:
        """The names and ids of volumes that must be there, attached or not."""
        return tuple(name for name, words in self.wishes if words.required and name != EVERY_VOLUME)

    def wished_by_name(self, name: str) -> bool:
        """Whether a wish names a volume by this name."""
        return any(key == name for key, _ in self.wishes)


def parse(value: object) -> Document:
    """Read the merged document. Raises `DocumentInvalid` with all faults; the texts of secrets are in none of them."""
    faults = Faults()
    reader = Reader(value, faults)
    reader.only(KEYS)
    token = reader.text("token")
    document = Document(
        endpoint=(reader.text("endpoint", check=_endpoint_fault) or "").rstrip("/"),
        token=Secret(token) if token else None,
        ca_cert=_ca_cert(reader),
        initiator_name=reader.text("initiator_name", check=iqn.fault) or "",
        deadline=reader.integer("deadline", least=5, most=3600) or DEADLINE,
        attachments=_attachments(reader) if "attachments" in reader else None,
        wishes=_wishes(reader.inner("volumes")),
    )
    faults.raise_any()
    return document


def _endpoint_fault(text: str) -> str | None:
    # A password in a URL ends up in logs and process lists; the token has its own key. Told first, and without the text.
    if "@" in text:
        return "must not hold a user or password"
    scheme, separator, rest = text.partition("://")
    if scheme not in ("http", "https") or not separator or not rest or " " in rest:
        return f"must be a URL such as http://169.254.169.254:8775, not {text!r}"
    return None


def _ca_cert(reader: Reader) -> str:
    value = reader.value("ca_cert")
    if isinstance(value, str) and value.lstrip().startswith("-----BEGIN CERTIFICATE-----"):
        return value  # a PEM has line ends, which `Reader.text` would refuse
    return reader.text("ca_cert") or ""


def _attachments(reader: Reader) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    for each in reader.each("attachments"):
        one = attachment.parse(each)
        if one is None:
            continue
        if one.connection is None:
            each.faults.add(each.at("connection_info"), "is missing")
        if any(one.volume.id == other.volume.id for other in found):
            each.faults.add(each.at("volume.id"), f"{one.volume.id} is attached twice")
        found.append(one)
    return tuple(found)


def _wishes(reader: Reader) -> tuple[tuple[str, Words], ...]:
    found = []
    for key in reader.names():
        path = reader.at(key)
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
                reader.faults.add(f"{reader.at(key)}.mount", f"{mount} is the mount point of {taken[str(mount)]!r} already")
            taken[str(mount)] = key
