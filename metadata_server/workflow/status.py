"""How the server is: what it has, what of that is not as it should be, and what it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blockstore import __version__
from blockstore import report as wire
from blockstore.errors import DocumentInvalid
from blockstore.report import Result
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import IQN_PREFIX, SeenTarget
from metadata_server.store import Transaction
from metadata_server.store.about import About, about
from metadata_server.store.reports import Kept
from metadata_server.targets import driver_of
from metadata_server.workflow.health import Health
from metadata_server.workflow.parts import Parts

# What is told one by one; the counts go on.
MOST_FAILED, MOST_REPORTS = 100, 10


@dataclass(frozen=True)
class FailedExport:
    """An export that is not as it should be; it is tried again."""

    volume: str
    name: str
    attachment: str
    instance: str
    status: str
    reason: str


@dataclass(frozen=True)
class Exports:
    """How many should be there, how many are, and how many sessions they have."""

    wanted: int
    present: int
    sessions: int
    failed: tuple[FailedExport, ...]


@dataclass(frozen=True)
class Type:
    """A volume type, and the backend behind it."""

    name: str
    backend: str
    default: bool
    volumes: int


@dataclass(frozen=True)
class TargetDaemon:
    """What exports: its driver, and whether it runs."""

    driver: str
    running: bool


@dataclass(frozen=True)
class FailedReport:
    """The newest report of an instance that did not get everything; with a line for each volume and each fault."""

    instance: str
    name: str
    received_at: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Reports:
    """``failed`` counts the instances, ``last`` has some of them, the last received first."""

    failed: int
    last: tuple[FailedReport, ...]


@dataclass(frozen=True)
class ServerStatus:
    """All of it. ``portal`` is that of the first target daemon, ``portals`` has all; ``unknown``: what backends have and the
    database does not know, by type; ``warnings``: what is not as it was configured."""

    version: str
    endpoint: str
    portal: str
    portals: tuple[str, ...]
    instances: int
    volumes: Mapping[str, int]
    snapshots: Mapping[str, int]
    attachments: Mapping[str, int]
    exports: Exports
    types: tuple[Type, ...]
    target: TargetDaemon
    database: About
    reports: Reports
    unknown: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]


def see(parts: Parts, endpoint: str, health: Health) -> ServerStatus:
    """As it is now. Raises `Unavailable` where the database does not answer."""
    amounts, works, portals = health.amounts(), health.look(), tuple(map(str, parts.advertised.all()))
    with parts.store.read() as transaction:
        return ServerStatus(
            version=__version__, endpoint=endpoint, portal=portals[0], portals=portals, instances=amounts.instances,
            volumes=amounts.volumes, attachments=amounts.attachments, snapshots=transaction.counts.snapshots(),
            exports=_exports(parts, transaction), types=_types(parts, transaction),
            target=TargetDaemon(driver_of(parts.target), works["target"]), database=about(parts.store),
            reports=_reports(transaction), unknown={name: those for name, those in parts.strangers.items() if those},
            warnings=parts.warnings,
        )  # fmt: skip


def _exports(parts: Parts, transaction: Transaction) -> Exports:
    seen = _seen(parts)
    faults = {name.removeprefix(IQN_PREFIX): reason for name, reason in parts.faults.items()}
    failed = tuple(
        FailedExport(
            each.volume_id, each.volume, each.id, each.instance_id, each.status, faults.get(each.volume_id, "not exported")
        )
        for each in transaction.overview.failing(list(faults)[:MOST_FAILED], MOST_FAILED)
    )
    sessions = sum(len(target.connections) for target in seen.values())
    return Exports(transaction.counts.exports(), len(seen), sessions, failed)


def _seen(parts: Parts) -> Mapping[str, SeenTarget]:
    try:
        return parts.target.seen()
    except Unavailable:  # it is being started again
        return {}


def _types(parts: Parts, transaction: Transaction) -> tuple[Type, ...]:
    backends, volumes = parts.backends, transaction.counts.volume_types()
    return tuple(
        Type(each.name, each.backend, each.name == backends.default, volumes.get(each.name, 0))
        for each in backends.types.values()
    )


def _reports(transaction: Transaction) -> Reports:
    return Reports(
        transaction.reports.count_trouble(), tuple(_failed(each) for each in transaction.reports.with_trouble(MOST_REPORTS))
    )


def _failed(kept: Kept) -> FailedReport:
    try:
        report = wire.from_wire(kept.body)
    except DocumentInvalid:
        return FailedReport(kept.instance_id, kept.instance, kept.received_at, ("the report cannot be read",))
    bad = (each for each in report.volumes if each.result is not Result.OK)
    volumes = (f"{each.name or each.id} {each.result.value}: {each.reason or 'no reason was given'}" for each in bad)
    return FailedReport(kept.instance_id, kept.instance, kept.received_at, (*volumes, *report.faults))
