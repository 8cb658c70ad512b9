"""The flow, from top to bottom: document, attachments, what is to go, what is to come, report."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from blockstore import iqn
from blockstore.attachment import Attachment, Status
from blockstore.errors import BlockstoreError, DocumentInvalid, ServiceError
from blockstore.report import Report, Result, VolumeReport
from blockstore.run import Command
from blockstore.values import dataclass, replace
from blockstore.waiting import Deadline
from cc_blockstore import listing, seal, status, unchanged, verdict
from cc_blockstore.client import MetadataClient
from cc_blockstore.document import sources
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.machine import files, initiator, ledger, lock, points, uptime
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.weight import Precedence
from cc_blockstore.plan import desired as plan
from cc_blockstore.plan.desired import Desired, Wanted
from cc_blockstore.progress import Events, Steps, no_events
from cc_blockstore.verdict import Verdict

if TYPE_CHECKING:
    from cc_blockstore.task import Task
    from cc_blockstore.volume import Outcome


def at_boot(cfg: Mapping[str, Any], cloud: Any) -> Verdict:
    """The run of cloud-init's config stage and of ``cloud-init single``. ``cfg`` and ``cloud`` as `handle` gets them."""
    from cc_blockstore import cloud as host

    return run(Machine(), cfg, host.metadata(cloud), host.instance_id(cloud), host.events(cloud))


def run(
    machine: Machine, cfg: Mapping[str, Any], metadata: Mapping[str, Any], instance_id: str, events: Events = no_events
) -> Verdict:
    """Read the document, and do what it says. Whatever is wrong with it is told all at once, and nothing is done."""
    try:
        raw = sources.gather(cfg, metadata, machine.paths)
        document = parse(raw) if raw is not None else Document()
    except DocumentInvalid as error:
        faults = tuple(str(fault) for fault in error.faults)
        report = Report(instance_id, "", _now(), 0, faults=faults)
        status.write(machine, report)
        told = f"the blockstore document has {len(faults)} faults, nothing was done: {'; '.join(faults)}"
        return Verdict(report, told, bad_document=True)
    if not document.says_something:
        return Verdict(Report(instance_id, "", _now(), 0))
    try:
        with lock.exclusive(machine, Deadline.after(document.deadline + 30, machine.clock)):
            return Run(machine, document, instance_id, _digest(cfg, metadata, machine), events).run()
    except (BlockstoreError, OSError) as error:
        return Verdict(Report(instance_id, "", _now(), 0, faults=(str(error),)), str(error))


@dataclass
class Run:
    """One run over all volumes of a document."""

    machine: Machine
    document: Document
    instance_id: str
    digest: str = ""
    events: Events = no_events
    started: str = field(default_factory=lambda: _now())

    def __post_init__(self) -> None:
        # What nobody waits for begins when all else is done: it would only take the processor away from that.
        self.launch, self.later = self.machine.launch, list[Command]()
        self.machine = replace(self.machine, launch=self.later.append)
        self.begun = self.machine.clock.monotonic()
        self.uptime_ms = uptime.milliseconds(self.machine)
        self.deadline = Deadline.after(self.document.deadline, self.machine.clock)
        self.initiator = self.document.initiator_name or iqn.derived(self.instance_id)
        self.client = client_of(self.document, self.machine)
        self.leaving: frozenset[str] = frozenset()
        self.known: Mapping[str, Known] = {}
        self.precedence = Precedence(self.machine)
        self.line = threading.Lock()  # the client has one connection, and the volumes' threads tell the service themselves

    def run(self) -> Verdict:
        """Bring the machine to the desired state, as far as is possible and allowed, and say what was done."""
        with self.precedence:  # to the end: udev begins with what it put off, and would hold up fstab and the report
            return self._run()

    def _run(self) -> Verdict:
        initiator.write_name(self.initiator, self.machine.paths.root)
        known = self.known = ledger.read_all(self.machine)
        if self.client is not None:  # while it is waited for answers
            threading.Thread(target=_load, name="imports", daemon=True).start()
        listed = listing.see(self.document, known, self.client, self.deadline)
        before = {volume_id: each.attachment for volume_id, each in known.items()}
        self.leaving = ledger.leaving(known)
        desired = plan.decide(self.document, listed.attachments, before, complete=listed.complete, leaving=self.leaving)
        desired = points.resolved(self.machine, desired)

        gone = self._take_down(desired, known)
        busy = {each.id for each in gone if each.result is not Result.OK}
        listed = self._release(busy, listed)
        outcomes, listed = self._bring_up([each for each in desired.bring_up if each.attachment.volume.id not in busy], listed)

        there = {each.report.id for each in outcomes}
        turned = [VolumeReport(each.volume_id, each.name, Result.REFUSED, reason=each.reason) for each in desired.turned]
        left = [each for each in gone if each.id not in there]
        report = self._report(listed, [*(each.report for each in outcomes), *turned, *left])
        report = self._deliver(report, answered=listed.answered)
        status.write(self.machine, report)
        usual = not (gone or desired.turned or self.leaving or listed.faults or listed.notes)
        self._seal(report, listed, usual=usual)
        self._afterwards(outcomes)
        return verdict.of(report, desired)

    def _afterwards(self, outcomes: Iterable[Outcome]) -> None:
        """What nobody waits for."""
        rewritten = [each.report.device for each in outcomes if each.rewritten]
        if rewritten:
            from cc_blockstore.machine import device

            for node in rewritten:
                device.refresh_one(self.machine, node)
        for command in self.later:
            self.launch(command)

    def _seal(self, report: Report, listed: listing.Listing, *, usual: bool) -> None:
        """Spare the next run the work, where this one left nothing open."""
        root, document = self.machine.paths.root, self.document
        told = {Status.RESERVED, Status.ATTACHING, Status.ATTACHED}
        theirs = [each for each in listed.attachments if each.connection is None]
        open_ends = report.notes or not report.healthy or any(each.status not in told for each in theirs)
        if not (self.digest and usual) or open_ends or (self.client is not None and not listed.answered):
            seal.remove(root)
            return
        token, certificate = document.token.reveal() if document.token else "", certificate_of(document, self.machine)
        service = {"endpoint": document.endpoint, "token": token, "ca_cert": certificate} if self.client else {}
        seal.write(root, self.instance_id, self.digest, service, [each.to_wire() for each in theirs], report.to_wire())

    def _steps(self, name: str) -> Steps:
        return Steps(name, self.begun, self.machine.clock, self.events)

    def _take_down(self, desired: Desired, known: Mapping[str, Known]) -> list[VolumeReport]:
        """What is no longer ours goes first: its mount point may be another volume's next."""
        if not desired.take_down:
            return []
        from cc_blockstore.machine import device, fstab
        from cc_blockstore.takedown import take_down

        reports = [
            take_down(self.machine, known[each], self.deadline, self._steps(known[each].attachment.volume.name))
            for each in desired.take_down
            if each in known
        ]
        down = [report.id for report in reports if report.result is Result.OK]
        device.unlink(self.machine, [known[each].attachment.volume for each in down])
        fstab.update(self.machine, dict.fromkeys(down, ()))
        for volume_id in down:
            # One that leaves by this instance's own wish is remembered until the service has been told.
            if volume_id not in self.leaving or self.client is None:
                ledger.forget(self.machine, volume_id)
        return reports

    def _release(self, busy: Collection[str], listed: listing.Listing) -> listing.Listing:
        """Tell the service which detached volumes nobody uses here any more, so that it can revoke their export."""
        asked = [each for each in listed.attachments if each.status is Status.DETACHING or each.volume.id in self.leaving]

        def let_go(client: MetadataClient, each: Attachment) -> None:
            client.detach(each.id, self.deadline)
            ledger.forget(self.machine, each.volume.id)

        notes = self._told(listed, [each for each in asked if each.volume.id not in busy], let_go)
        if listed.complete:  # what the service does not list, it need not be told of
            for volume_id in self.leaving - {each.volume.id for each in asked} - set(busy):
                ledger.forget(self.machine, volume_id)
        return replace(listed, notes=(*listed.notes, *notes))

    def _told(
        self, listed: listing.Listing, attachments: Iterable[Attachment], tell: Callable[[MetadataClient, Attachment], None]
    ) -> list[str]:
        """Tell the service something of each attachment. A "no" is worth a note, but holds up nobody."""
        client, notes = self.client, list[str]()
        if client is None or not listed.answered:
            return notes
        for each in attachments:
            try:
                with self.line:
                    tell(client, each)
            except ServiceError as error:
                notes.append(f"{each.volume.name}: {error}")
        return notes

    def _bring_up(self, wanted: list[Wanted], listed: listing.Listing) -> tuple[list[Outcome], listing.Listing]:
        """Prepare each, log in once for all, see each through to its mount, and tell the service as soon as it is there."""
        if not wanted:
            return [], listed
        from cc_blockstore import bring_up
        from cc_blockstore.prepare import Preparation

        known = ledger.read_all(self.machine)  # without what was taken down
        first, endpoint = not self.known, self.document.endpoint
        put = files.put if first else files.write
        preparation = Preparation(self.machine, self.initiator, endpoint, self.client, self.deadline, put)
        tasks = [preparation.task(each, known.get(each.attachment.volume.id)) for each in wanted]
        if first:
            # Everything at once, cloud-init's files too: it writes the network configuration of a first boot without a flush, and
            # after a power cut the instance would have an empty one for good, and no way to its volumes. At another run there may
            # be disks that do not answer, and this would wait for them.
            self.machine.sync()
        notes = list[str]()

        def ended(task: Task, outcome: Outcome) -> None:
            if outcome.connected:
                notes.extend(self._complete(task.wanted.attachment, listed))

        outcomes = bring_up.Together(self.machine, self.deadline, self.precedence, self._steps, ended).run(tasks)
        faults = bring_up.settle(self.machine, outcomes)
        return outcomes, replace(listed, notes=(*listed.notes, *sorted(notes)), faults=(*listed.faults, *faults))

    def _complete(self, attachment: Attachment, listed: listing.Listing) -> list[str]:
        """Tell the service that a volume is connected now, where that is news."""
        news = [attachment] if attachment.status in (Status.RESERVED, Status.ATTACHING) else []
        return self._told(listed, news, lambda client, each: client.complete(each.id, self.deadline))

    def _report(self, listed: listing.Listing, volumes: Iterable[VolumeReport]) -> Report:
        duration = round((self.machine.clock.monotonic() - self.begun) * 1000)
        found = tuple(volumes)
        return Report(
            self.instance_id, self.initiator, self.started, duration, found, listed.faults, listed.notes, self.uptime_ms
        )

    def _deliver(self, report: Report, *, answered: bool) -> Report:
        """Hand the report in, unless nothing happened and the service has heard as much since the machine started."""
        before = status.read(self.machine)
        heard = before is not None and before.healthy and not before.notes
        if self.client is None or not answered or (heard and report.healthy and not report.changed):
            return report
        try:
            self.client.report(report, self.deadline)
        except ServiceError as error:
            return replace(report, notes=(*report.notes, f"the report was not delivered: {error}"))
        return report


def _load() -> None:
    """All that bringing volumes up needs: the larger half of the module. What fails here fails again where it is needed."""
    with contextlib.suppress(Exception):
        import cc_blockstore.prepare
        import cc_blockstore.volume  # noqa: F401


def client_of(document: Document, machine: Machine) -> MetadataClient | None:
    """The client of the document's metadata service; None in static mode. A PEM given as text is put into a file."""
    if not document.endpoint:
        return None
    return MetadataClient(document.endpoint, document.token, ca_cert=certificate_of(document, machine))


def certificate_of(document: Document, machine: Machine) -> str:
    """The path of the certificates that the service is known by, "" for the system's."""
    if not document.ca_cert.lstrip().startswith("-----BEGIN"):
        return document.ca_cert
    from cc_blockstore.machine import files

    path = machine.paths.run / "ca.pem"
    files.write(path, document.ca_cert, 0o644)
    return str(path)


def _digest(cfg: Mapping[str, Any], metadata: Mapping[str, Any], machine: Machine) -> str:
    """No digest where the document holds what none can be made of."""
    try:
        return unchanged.inputs(cfg, metadata, machine.paths.root)
    except (TypeError, ValueError):
        return ""


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
