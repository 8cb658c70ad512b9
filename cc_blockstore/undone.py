"""Runs that end before any volume: a bad document, nothing named, no lock. What is required is missing then, too."""

from __future__ import annotations

import contextlib

from blockstore.errors import DocumentInvalid
from blockstore.report import Report, Result, VolumeReport
from blockstore.values import replace
from cc_blockstore import listing, status, verdict
from cc_blockstore.document.parse import Document, required_in
from cc_blockstore.machine import ledger
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan import desired as plan
from cc_blockstore.plan.desired import Desired
from cc_blockstore.verdict import Verdict


def bad_document(machine: Machine, blank: Report, error: DocumentInvalid, raw: object) -> Verdict:
    """All faults at once. ``raw`` is the document as it was found, None where not even that could be had."""
    faults = tuple(str(fault) for fault in error.faults)
    report = replace(blank, faults=faults)
    _write(machine, report)
    told = f"the blockstore document has {len(faults)} faults, nothing was done: {'; '.join(faults)}"
    return replace(verdict.undone(report, told, required_in(raw)), bad_document=True)


def nothing_named(machine: Machine, blank: Report, document: Document) -> Verdict:
    """Nobody says where volumes are: the machine is left alone, and told is what it should have had."""
    desired = plan.decide(document, (), {}, complete=False, lacks=listing.NOWHERE)
    if not desired.turned:
        return Verdict(replace(blank, notes=(listing.NOTHING,)))
    report = replace(blank, volumes=left_alone(desired))
    _write(machine, report)
    return verdict.of(report, desired)


def failed(machine: Machine, blank: Report, document: Document, error: Exception) -> Verdict:
    """Something that all volumes need was not to be had. status.json stays another run's."""
    return verdict.undone(replace(blank, faults=(str(error),)), str(error), required(machine, document))


def required(machine: Machine, document: Document) -> tuple[str, ...]:
    """The volumes that must be there, as far as this machine can name them."""
    return plan.required(document, (each.attachment for each in ledger.read_all(machine).values()))


def left_alone(desired: Desired) -> tuple[VolumeReport, ...]:
    """What is not touched, as a report has it."""
    return tuple(VolumeReport(each.volume_id, each.name, Result.REFUSED, reason=each.reason) for each in desired.turned)


def _write(machine: Machine, report: Report) -> None:
    """Where there is room for it: what is told is said to cloud-init as well."""
    with contextlib.suppress(OSError):
        status.write(machine, report)
