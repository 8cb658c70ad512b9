"""Taking the ``blockstore:`` block out of user-data, with everything else left as it was written.

cloud-init 23.4 and later validates user-data against a closed schema and calls the boot degraded for a key it does not
know; nothing but removing the key before it looks helps. The server's seeds use the same to move the block to vendor-data.
"""

from __future__ import annotations

import email
import gzip
import io
import zlib
from collections.abc import Mapping
from dataclasses import field
from email.errors import MessageError
from email.message import Message

import yaml

from blockstore import yaml_text
from blockstore.values import dataclass

KEY = "blockstore"
HEADER = "#cloud-config"

# Longer headers that begin in the same way and mean something else.
_OTHERS = ("#cloud-config-archive", "#cloud-config-jsonp")
_GZIP = b"\x1f\x8b"
# What a compressed user-data may grow to. Clouds allow some ten KiB of it; more than this is a bomb, and left alone.
LONGEST = 16 << 20
# What the email package raises for parts without an end, charsets that nobody knows and the like.
_CHOKES = (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Lifted:
    """``text`` is what remains, ``block`` what was taken out; without a block the text is the very one that was given."""

    text: str | bytes
    block: Mapping[str, object] = field(default_factory=dict)


def lift(text: str | bytes) -> Lifted:
    """Take the block out of plain cloud-config, of the parts of a MIME archive, and of both when gzipped.

    A Jinja template is left alone (only cloud-init can render it), and so is whatever cannot be read: cloud-init will
    say what is wrong with it.
    """
    plain = _unpacked(text)
    if plain is None:
        return Lifted(text)
    first = plain.lstrip()[:64].lower()
    if first.startswith(HEADER) and not first.startswith(_OTHERS):
        lifted = _from_cloud_config(plain)
    elif first.startswith(("content-type:", "mime-version:")):
        try:
            lifted = _from_mime(plain)
        except _CHOKES:
            lifted = None
    else:
        lifted = None
    if lifted is None:
        return Lifted(text)
    return Lifted(lifted.text if isinstance(text, str) else str(lifted.text).encode(), lifted.block)


def takes_vendor_data(configuration: Mapping[str, object], userdata: str | bytes) -> bool:
    """Whether the image's configuration and the user let vendor-data in; a block of vendor-data counts only then."""
    text = _unpacked(userdata) or ""
    said = configuration.get("vendor_data")
    if text.startswith(HEADER):
        document = _document(text)
        said = (document.get("vendor_data") if isinstance(document, dict) else None) or said
    enabled = said.get("enabled", True) if isinstance(said, Mapping) else True
    return str(enabled).lower() not in ("false", "no", "off", "0")


def _unpacked(text: str | bytes) -> str | None:
    if isinstance(text, str):
        return text
    try:
        return (_gunzipped(text) if text.startswith(_GZIP) else text).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None


def _gunzipped(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        plain = stream.read(LONGEST + 1)
    if len(plain) > LONGEST:
        raise OSError("too long")
    return plain


def _from_cloud_config(text: str) -> Lifted | None:
    document = _document(text)
    if not isinstance(document, dict) or KEY not in document:
        return None
    block = document.pop(KEY)
    if block is not None and not isinstance(block, dict):
        return None  # a mistake of the user: left in place, where the module reads it and says so
    return Lifted(_without_block(text, document), block or {})


def _document(text: str) -> object:
    """None for what cannot be read: cloud-init will say what is wrong with it."""
    try:
        return yaml_text.load(text)
    except yaml_text.Unreadable:
        return None


def _without_block(text: str, rest: Mapping[str, object]) -> str:
    """The text without the block's lines where that means ``rest``, comments and all; else ``rest`` written anew."""
    if not rest:
        # An empty document is no cloud-config to some versions and a warning in others; an empty mapping is fine in all.
        return f"{HEADER}\n{{}}\n"
    cut = _cut(text)
    if _document(cut) == rest:
        return cut
    # An anchor in the block that is used outside of it, or a document in flow style.
    return f"{HEADER}\n{yaml.safe_dump(dict(rest), sort_keys=False)}"


def _cut(text: str) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines = text.splitlines(keepends=True)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    starts = [key.start_mark.line for key, _ in pairs] + [root.end_mark.line if root else len(lines)]
    kept = lines[: starts[0]]
    for index, (key, _) in enumerate(pairs):
        region = lines[starts[index] : starts[index + 1]]
        kept += _tail(region) if key.value == KEY else region
    return "".join(kept + lines[starts[-1] :])


def _tail(region: list[str]) -> list[str]:
    """The comments and blank lines at the end of a key's lines: they belong to the key that follows."""
    end = len(region)
    while end and (not region[end - 1].strip() or region[end - 1].startswith("#")):
        end -= 1
    return region[end:]


def _from_mime(text: str) -> Lifted | None:
    message = email.message_from_string(text)
    block: dict[str, object] = {}
    found = False
    for part in message.walk():
        lifted = None if part.is_multipart() else _from_cloud_config_part(part)
        if lifted:
            found = True
            block.update(lifted.block)
            _replace(part, str(lifted.text))
    return Lifted(message.as_string(), block) if found else None


def _from_cloud_config_part(part: Message) -> Lifted | None:
    payload = part.get_payload(decode=True)
    plain = _unpacked(payload) if isinstance(payload, bytes) else None
    if plain is None or payload == b"" or plain.lstrip().lower().startswith(("## template:", *_OTHERS)):
        return None
    # cloud-init goes by the declared type, and looks at the first line only where that is unspecific.
    declared = part.get_content_type() == "text/cloud-config"
    return _from_cloud_config(plain) if declared or plain.lstrip().lower().startswith(HEADER) else None


def _replace(part: Message, text: str) -> None:
    """New text for a part; its other headers (Merge-Type, file name) stay."""
    if part.get_content_maintype() == "application":
        part.set_type("text/cloud-config")  # it was compressed
    del part["Content-Transfer-Encoding"]
    part.set_payload(text, "utf-8" if not text.isascii() else "us-ascii")
