"""status.json: what the last run did, for everybody to read."""

from __future__ import annotations

import json

from blockstore import report as words
from blockstore.errors import DocumentInvalid
from blockstore.report import Report
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine


def write(machine: Machine, report: Report) -> None:
    """Put it in place (0644: it holds no secret)."""
    files.put(machine.paths.run / "status.json", json.dumps(report.to_wire(), indent=1) + "\n", 0o644)


def read(machine: Machine) -> Report | None:
    """The last run's report; None where there was none since the machine started."""
    try:
        return words.from_wire(json.loads(files.read(machine.paths.run / "status.json")))
    except (ValueError, RecursionError, DocumentInvalid):
        return None
