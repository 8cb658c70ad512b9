"""connection_info, whatever the transport: the registry from ``driver_volume_type`` to its parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blockstore import iscsi
from blockstore.reader import Reader, shown

# A new transport is one new file with a frozen type, and one line here.
Connection = iscsi.IscsiConnection
PARSERS: Mapping[str, Callable[[Reader], Connection | None]] = {"iscsi": iscsi.parse}
KEYS: Mapping[str, tuple[str, ...]] = {"iscsi": iscsi.KEYS}
TRANSPORT, NESTED = "driver_volume_type", "data"


def parse(reader: Reader) -> Connection | None:
    """Read a connection_info in Cinder's flat form, or nested as ``{"driver_volume_type", "data": {…}}``.

    None where there is none (an attachment that is only reserved has ``{}``) or where faults were noted.
    """
    if not reader.names():
        return None
    transport = reader.required_text(TRANSPORT)
    if not transport:
        return None
    if transport not in PARSERS:
        known = ", ".join(sorted(PARSERS))
        reader.faults.add(reader.at(TRANSPORT), f"no transport {shown(transport)} here; known are {known}")
        return None
    return PARSERS[transport](reader.inner(NESTED) if NESTED in reader else reader)


def check_keys(reader: Reader) -> None:
    """Note the keys that are misspelt, in the flat form or the nested one. Storages have many keys that we do not read."""
    known = KEYS.get(str(reader.value(TRANSPORT)), ())
    reader.no_near_miss((TRANSPORT, NESTED, *known))
    nested = reader.value(NESTED)
    if isinstance(nested, Mapping):
        texts = {key: value for key, value in nested.items() if isinstance(key, str)}
        Reader(texts, reader.faults, reader.at(NESTED)).no_near_miss(known)
