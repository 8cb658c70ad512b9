"""The flow, from top to bottom: document, attachments, what is to go, what is to come, report."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from blockstore import iqn
from blockstore.attachment import Attachment, Status
from blockstore.errors import BlockstoreError, DocumentInvalid, ServiceError
from blockstore.report import Report, Result, VolumeReport
from blockstore.run import Command
from blockstore.values import dataclass, replace
from blockstore.waiting import Deadline
from cc_blockstore import listing, seal, status, unchanged, undone, verdict
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
from cc_blockstore.reach import certificate_of, client_of
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
    raw, blank = None, Report(instance_id, "", _now(), 0)
    try:
        raw = sources.gather(cfg, metadata, machine.paths)
        document = parse(raw) if raw is not None else Document()
    except DocumentInvalid as error:
        return undone.bad_document(machine, blank, error, raw)
    if not document.says_something:
        return undone.nothing_named(machine, blank, document)
    try:
        with lock.exclusive(machine, Deadline.after(document.deadline + 30, machine.clock)):
            return Run(machine, document, instance_id, _digest(cfg, metadata, machine), events).run()
    except (BlockstoreError, OSError) as error:
        return undone.failed(machine, blank, document, error)


def required_at_boot(cfg: Mapping[str, Any], cloud: Any) -> tuple[str, ...]:
    """The volumes that must be there, for whoever has only an unexpected error to tell of the run. Raises whatever there is."""
    from cc_blockstore import cloud as host

    machine = Machine()
    return undone.required(machine, parse(sources.gather(cfg, host.metadata(cloud), machine.paths)))


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
        self.leaving: frozenset[str] = frozenset()  # attachments
        self.moved: Mapping[str, str] = {}
        self.known: Mapping[str, Known] = {}
        self.precedence = Precedence(self.machine)
        self.faults = list[str]()
        self.line = threading.Lock()  # the client has one connection, and the volumes' threads tell the service themselves

    def run(self) -> Verdict:
        """Bring the machine to the desired state, as far as is possible and allowed, and say what was done."""
        with self.precedence:  # to the end: udev begins with what it put off, and would hold up fstab and the report
            return self._run()

    def _run(self) -> Verdict:
        with self._surviving("initiator name"):
            initiator.write_name(self.initiator, self.machine.paths.root)
        known = self.known = ledger.read_all(self.machine)
        if self.client is not None:  # while it is waited for answers
            threading.Thread(target=_load, name="imports", daemon=True).start()
        listed = listing.see(self.document, known, self.client, self.deadline)
        before = {volume_id: each.attachment for volume_id, each in known.items()}
        self.leaving, self.moved = ledger.leaving(known), ledger.moved(known, listed.attachments)
        desired = plan.decide(
            self.document, listed.attachments, before, complete=listed.complete,
            leaving=self.leaving, moved=self.moved, lacks=listed.lacks,
        )  # fmt: skip
        desired = points.resolved(self.machine, desired)

        gone = self._take_down(desired, known)
        busy = {each.id for each in gone if each.result is not Result.OK}
        with self._surviving("detached volumes"):
            listed = self._release(busy, listed)
        outcomes, listed = self._bring_up([each for each in desired.bring_up if each.attachment.volume.id not in busy], listed)

        there = {each.report.id for each in outcomes}
        left = [each for each in gone if each.id not in there]
        report = self._report(listed, [*(each.report for each in outcomes), *undone.left_alone(desired), *left])
        report = self._deliver(report, answered=listed.answered)
        with self._surviving("report"):
            status.write(self.machine, report)
        usual = not (gone or desired.turned or self.leaving or listed.faults or listed.notes or self.faults)
        usual = usual and not any(each.follows_its_disk for each in desired.bring_up)
        with self._surviving("seal"):
            self._seal(report, listed, usual=usual)
        with self._surviving("udev"):
            self._afterwards(outcomes)
        return verdict.of(replace(report, faults=(*listed.faults, *self.faults)), desired)

    @contextlib.contextmanager
    def _surviving(self, what: str) -> Iterator[None]:
        """What goes wrong with this is told as a fault of the run: it must not keep a volume from being tried, or from being told
        of."""
        try:
            yield
        except (BlockstoreError, OSError) as error:
            self.faults.append(f"{what}: {error}")

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
        from cc_blockstore.takedown import take_down_all

        reports = take_down_all(self.machine, known, desired.take_down, self.deadline, self._steps)
        down = [report.id for report in reports if report.result is Result.OK]
        back = {each.attachment.volume.id for each in desired.bring_up}
        with self._surviving("detached volumes"):
            device.unlink(self.machine, [known[each].attachment.volume for each in down])
            fstab.update(self.machine, dict.fromkeys(down, ()))
            for volume_id in down:
                # One that leaves by this instance's own wish is remembered until the service has been told, or it comes back.
                if known[volume_id].attachment.id not in self.leaving or self.client is None or volume_id in back:
                    ledger.forget(self.machine, volume_id)
        return [self._with_cause(each) for each in reports]

    def _with_cause(self, report: VolumeReport) -> VolumeReport:
        """Of one that nobody meant to detach, why it should have gone."""
        cause = self.moved.get(report.id)
        return replace(report, reason=f"{cause}: {report.reason}") if cause and report.reason else report

    def _release(self, busy: Collection[str], listed: listing.Listing) -> listing.Listing:
        """Tell the service which detached volumes nobody uses here any more, so that it can revoke their export."""
        asked = [each for each in listed.attachments if each.status is Status.DETACHING or each.id in self.leaving]

        def let_go(client: MetadataClient, each: Attachment) -> None:
            client.detach(each.id, self.deadline)
            known = self.known.get(each.volume.id)
            if known is not None and known.attachment.id == each.id:
                ledger.forget(self.machine, each.volume.id)

        notes = self._told(listed, [each for each in asked if each.volume.id not in busy], let_go)
        if listed.complete:  # what the service does not list, it need not be told of
            left = self.leaving - {each.id for each in asked}
            for volume_id in {each for each, one in self.known.items() if one.attachment.id in left} - set(busy):
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
        from cc_blockstore.claims import Claims
        from cc_blockstore.prepare import Preparation

        known = ledger.read_all(self.machine)  # without what was taken down
        first, endpoint = not self.known, self.document.endpoint
        put, claims = files.put if first else files.write, Claims(known, listed.attachments)
        preparation = Preparation(self.machine, self.initiator, endpoint, self.client, self.deadline, put, claims)
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

        together = bring_up.Together(self.machine, self.deadline, self.precedence, self._steps, ended, claims.serials)
        outcomes = together.run(tasks)
        faults = bring_up.settle(self.machine, outcomes)
        return outcomes, replace(listed, notes=(*listed.notes, *sorted(notes)), faults=(*listed.faults, *faults))

    def _complete(self, attachment: Attachment, listed: listing.Listing) -> list[str]:
        """Tell the service that a volume is connected now, where that is news."""
        news = [attachment] if attachment.status in (Status.RESERVED, Status.ATTACHING) else []
        return self._told(listed, news, lambda client, each: client.complete(each.id, self.deadline))

    def _report(self, listed: listing.Listing, volumes: Iterable[VolumeReport]) -> Report:
        duration = round((self.machine.clock.monotonic() - self.begun) * 1000)
        found = tuple(volumes)
        faults = (*listed.faults, *self.faults)
        return Report(self.instance_id, self.initiator, self.started, duration, found, faults, listed.notes, self.uptime_ms)

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


def _digest(cfg: Mapping[str, Any], metadata: Mapping[str, Any], machine: Machine) -> str:
    """No digest where the document holds what none can be made of."""
    try:
        return unchanged.inputs(cfg, metadata, machine.paths.root)
    except (TypeError, ValueError):
        return ""


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
