"""status.json: what the last run did, for everybody to read."""

from __future__ import annotations

import json
from pathlib import Path

from blockstore import report as words
from blockstore.errors import DocumentInvalid
from blockstore.report import Report
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine


def write(machine: Machine, report: Report) -> None:
    """Put it in place (0644: it holds no secret)."""
    files.put(_path(machine), json.dumps(report.to_wire(), indent=1) + "\n", 0o644)


def read(machine: Machine) -> Report | None:
    """The last run's report; None where there was none since the machine started."""
    try:
        return words.from_wire(json.loads(files.read(_path(machine))))
    except (ValueError, RecursionError, DocumentInvalid):
        return None


def absence(machine: Machine) -> str:
    """Why `read` gave None."""
    if _path(machine).exists():
        return f"{_path(machine)} cannot be understood; 'blockstore apply' writes it anew"
    return "no report: no run since this machine started had anything to do, or had room for one in /run"


def _path(machine: Machine) -> Path:
    return machine.paths.run / "status.json"
