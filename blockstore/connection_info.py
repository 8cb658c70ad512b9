"""connection_info, whatever the transport: the registry from ``driver_volume_type`` to its parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blockstore import iscsi
from blockstore.reader import Reader, shown

# A new transport is one new file with a frozen type, and one line here.
Connection = iscsi.IscsiConnection
PARSERS: Mapping[str, Callable[[Reader], Connection | None]] = {"iscsi": iscsi.parse}


def parse(reader: Reader) -> Connection | None:
    """Read a connection_info in Cinder's flat form, or nested as ``{"driver_volume_type", "data": {…}}``.

    None where there is none (an attachment that is only reserved has ``{}``) or where faults were noted.
    """
    if not reader.names():
        return None
    transport = reader.required_text("driver_volume_type")
    if not transport:
        return None
    if transport not in PARSERS:
        known = ", ".join(sorted(PARSERS))
        reader.faults.add(reader.at("driver_volume_type"), f"no transport {shown(transport)} here; known are {known}")
        return None
    return PARSERS[transport](reader.inner("data") if "data" in reader else reader)
