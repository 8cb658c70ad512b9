"""Reading what tgtd shows. It has no machine-readable form; a line that is not understood is an error, never skipped.

The form is that of ``tgt_target_show_all`` (tgt: usr/target.c): four spaces for a section, eight for an entry of it,
twelve for what belongs to that entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import MEGABYTE, SeenConnection, SeenLun, SeenTarget

_TARGET = re.compile(r"Target (\d+): (\S+)")
_SIZE = re.compile(r"(\d+) MB,.*")
_SECTIONS = ("System information", "I_T nexus information", "LUN information", "Account information", "ACL information")
_OUTGOING = " (outgoing)"
_Lines = list[tuple[int, str]]


def targets(text: str) -> dict[str, SeenTarget]:
    """All targets by name. Raises `Unavailable` for a text of another form."""
    return {target.iqn: target for target in map(_target, _blocks(_lines(text), 0))}


def portals(text: str) -> tuple[str, ...]:
    """``ADDRESS:PORT`` of every portal."""
    found = tuple(line.removeprefix("Portal: ").partition(",")[0] for _, line in _lines(text) if line.startswith("Portal: "))
    if len(found) != len(_lines(text)):
        raise Unavailable(f"tgtd shows its portals in an unknown form: {text[:200]!r}")
    return found


def accounts(text: str) -> frozenset[str]:
    """The names of all accounts."""
    return frozenset(line for _, line in _lines(text) if line != "Account list:")


def _lines(text: str) -> _Lines:
    return [(len(line) - len(line.lstrip(" ")), line.strip()) for line in text.splitlines() if line.strip(" \0")]


def _blocks(lines: _Lines, indent: int) -> Iterator[_Lines]:
    """Cut before every line of this indent; the first line must be one."""
    block: _Lines = []
    for line in lines:
        if line[0] == indent:
            if block:
                yield block
            block = []
        elif not block:
            raise Unavailable(f"tgtd shows a line where none belongs: {line[1]!r}")
        block.append(line)
    if block:
        yield block


def _target(block: _Lines) -> SeenTarget:
    head = _TARGET.fullmatch(block[0][1])
    if head is None:
        raise Unavailable(f"tgtd shows a target in an unknown form: {block[0][1]!r}")
    sections = {section[0][1].removesuffix(":"): section[1:] for section in _blocks(block[1:], 4)}
    if unknown := sections.keys() - set(_SECTIONS):
        raise Unavailable(f"tgtd shows an unknown section {min(unknown)!r}")
    names = [line for _, line in sections.get("Account information", [])]
    return SeenTarget(
        key=int(head.group(1)),
        iqn=head.group(2),
        luns=tuple(lun for entry in _blocks(sections.get("LUN information", []), 8) if (lun := _lun(entry)).lun != 0),
        accounts=frozenset(name for name in names if not name.endswith(_OUTGOING)),
        outgoing=next((name.removesuffix(_OUTGOING) for name in names if name.endswith(_OUTGOING)), ""),
        access=frozenset(line for _, line in sections.get("ACL information", [])),
        ready="State: ready" in [line for _, line in sections.get("System information", [])],
        connections=tuple(
            each for entry in _blocks(sections.get("I_T nexus information", []), 8) for each in _connections(entry)
        ),
    )


def _lun(entry: _Lines) -> SeenLun:
    number = entry[0][1].removeprefix("LUN: ")
    values = {key: value.strip() for key, _, value in (line.partition(":") for _, line in entry[1:])}
    try:
        return SeenLun(
            int(number), values["Backing store path"], values["SCSI SN"],
            values["Readonly"] == "Yes", values["Online"] == "Yes", _bytes(values["Size"]),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise Unavailable(f"tgtd shows LUN {number} in an unknown form: {error}") from None


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"size {text!r}")
    return int(found.group(1)) * MEGABYTE


def _connections(entry: _Lines) -> Iterator[SeenConnection]:
    session = int(entry[0][1].removeprefix("I_T nexus: "))
    initiator = ""
    for _, line in entry[1:]:
        if line.startswith("Initiator: "):
            initiator = line.removeprefix("Initiator: ").partition(" ")[0]
        elif line.startswith("Connection: "):
            yield SeenConnection(session, int(line.removeprefix("Connection: ")), initiator)
