"""The command ``blockstore``: plan, apply, status, detach, validate, analyze. Exit 0 all well, 1 a volume failed or was refused,
2 a bad document or call."""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from blockstore import __version__
from blockstore.errors import BlockstoreError, DeadlineExceeded, DocumentInvalid
from blockstore.report import Report, Result, line
from blockstore.waiting import Deadline
from cc_blockstore import status
from cc_blockstore.document import sources
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.machine.machine import Machine
from cc_blockstore.table import table

if TYPE_CHECKING:
    from cc_blockstore.planning import PlannedStep

WELL, UNWELL, BAD = 0, 1, 2
LINKS_SECONDS = 30


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the return value is the exit code. No traceback reaches the user."""
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A name or a label may hold what this terminal's encoding cannot say.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.DEBUG if arguments.verbose else logging.WARNING)
    try:
        return int(arguments.call(arguments))
    except DocumentInvalid as error:
        for fault in error.faults:
            print(f"blockstore: {fault}", file=sys.stderr)
        return BAD
    except (BlockstoreError, OSError) as error:
        print(f"blockstore: {error}", file=sys.stderr)
        return UNWELL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blockstore", description="Network volumes of this instance.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--verbose", action="store_true", help="say every command that is run")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, call, words in (
        ("plan", _plan, "what would be done, and why; changes nothing"),
        ("apply", _apply, "bring the volumes to the desired state, as at boot"),
        ("status", _status, "what the last run did"),
    ):
        each = commands.add_parser(name, help=words, description=words)
        each.add_argument("--json", action="store_true", help="machine-readable output")
        each.set_defaults(call=call)
    detach = commands.add_parser("detach", help="let go of one volume: unmount, log out, tell the service")
    detach.add_argument("volume", metavar="VOLUME", help="its name or id")
    detach.add_argument("--json", action="store_true", help="machine-readable output")
    detach.set_defaults(call=_detach)
    validate = commands.add_parser("validate", help="check a blockstore document, or a #cloud-config that holds one")
    validate.add_argument("file", metavar="FILE", type=Path)
    validate.add_argument("--json", action="store_true", help="machine-readable output")
    validate.set_defaults(call=_validate)
    analyze = commands.add_parser("analyze", help="this boot as a timeline, and what held the volumes up longest")
    analyze.add_argument("--json", action="store_true", help="machine-readable output")
    analyze.add_argument("--svg", metavar="FILE", type=Path, help="write the timeline as a picture too")
    analyze.set_defaults(call=_analyze)
    return parser


def _document(machine: Machine) -> Document:
    from cc_blockstore import cloud as host

    cfg, cloud = host.load()
    raw = sources.gather(cfg, host.metadata(cloud), machine.paths)
    return parse(raw) if raw is not None else Document()


def _plan(arguments: argparse.Namespace) -> int:
    from cc_blockstore import planning

    machine = Machine()
    try:
        steps, faults, notes = planning.planned(machine, _document(machine))
    except DocumentInvalid as error:
        if arguments.json:
            _show_plan((), [str(fault) for fault in error.faults])
        raise
    if arguments.json:
        _show_plan(steps, (*faults, *notes))
    else:
        print(table(("VOLUME", "STEP", "", "WHY"), [(step.volume, step.step, step.verb, step.why) for step in steps]))
        _remark((*faults, *notes))
    return UNWELL if faults or any(step.verb == "refuse" for step in steps) else WELL


def _show_plan(steps: Sequence[PlannedStep], remarks: Sequence[str]) -> None:
    print(json.dumps({"steps": [asdict(step) for step in steps], "remarks": list(remarks)}, indent=1))


def _apply(arguments: argparse.Namespace) -> int:
    from cc_blockstore import bootstrap
    from cc_blockstore import cloud as host

    machine = Machine()
    cfg, cloud = host.load()
    verdict = bootstrap.run(machine, cfg, host.metadata(cloud), host.instance_id(cloud))
    _await_links(machine, verdict.report)
    _show(verdict.report, as_json=arguments.json)
    if verdict.bad_document:
        return BAD
    return WELL if verdict.report.healthy else UNWELL


def _await_links(machine: Machine, report: Report) -> None:
    """A boot goes on while udev makes the links of what is mounted; whoever types a command may name them in the next one."""
    from cc_blockstore.machine import device

    try:
        ids = [each.id for each in report.volumes if each.result is Result.OK and each.device]
        device.await_links(machine, ids, Deadline.after(LINKS_SECONDS, machine.clock))
    except DeadlineExceeded as error:
        _remark([str(error)])


def _detach(arguments: argparse.Namespace) -> int:
    from cc_blockstore.detach import detach

    machine = Machine()
    volume, note = detach(machine, _document(machine), arguments.volume)
    if arguments.json:
        print(json.dumps({**volume.to_wire(), "note": note or None}, indent=1))
    else:
        told = f"{volume.name}: {volume.reason}" if volume.reason else f"{volume.name}: detached"
        print(told, file=sys.stderr if volume.reason else sys.stdout)
        _remark([note] if note else [])
    return WELL if volume.result is Result.OK else UNWELL


def _status(arguments: argparse.Namespace) -> int:
    machine = Machine()
    report = status.read(machine)
    if report is None:
        _remark([status.absence(machine)])
        return UNWELL
    _show(report, as_json=arguments.json)
    return WELL if report.healthy else UNWELL


def _analyze(arguments: argparse.Namespace) -> int:
    from cc_blockstore.analyze import analyze

    return WELL if analyze(Machine(), as_json=arguments.json, picture=arguments.svg, out=sys.stdout) else UNWELL


def _validate(arguments: argparse.Namespace) -> int:
    """All faults at once, each with its path."""
    name = str(arguments.file)
    try:
        parse(sources.load_written(sources.text_of(arguments.file, any_kind=True), line(name)))
        faults: tuple[str, ...] = ()
    except DocumentInvalid as error:
        faults = tuple(str(fault) for fault in error.faults)
    if arguments.json:
        print(json.dumps({"file": name, "faults": list(faults)}, indent=1))
    else:
        print("\n".join(faults) if faults else f"{line(name)}: a valid blockstore document")
    return BAD if faults else WELL


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.to_wire(), indent=1))
        return
    rows = []
    for volume in report.volumes:
        shown = ", ".join(f"{each.type} on {each.mount or each.device}" for each in volume.filesystems)
        rows.append((volume.name, volume.result.value, volume.device, volume.reason or shown))
    print(table(("VOLUME", "RESULT", "DEVICE", "WHAT"), rows))
    _remark((*report.faults, *report.notes))


def _remark(remarks: Sequence[str]) -> None:
    for remark in remarks:
        print(f"blockstore: {remark}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
