"""What earlier runs left, broken in every way: as if it were not there, and nothing outside of our folders is touched for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.attachment import Attachment, Volume
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.report import Report
from cc_blockstore import command, status
from cc_blockstore.machine import device, initiator, ledger, record
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine, Paths
from tests.unit.fakes import FakeClock, FakeMachine, FakeRunner
from tests.unit.hostile.hostility import EVILS, KEYS, TEXTS, around, hostile
from tests.unit.wire import REPORTS, broken

KNOWN = Known(Attachment("a1", Volume("v1", "data")), IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:v1", 1))
GOOD = json.loads(KNOWN.to_json())
FILES = {
    "empty": b"",
    "truncated": KNOWN.to_json().encode()[:-20],
    "binary": bytes(range(256)),
    "no UTF-8": KNOWN.to_json().encode().replace(b"data", b"\xff\xff"),
    "deep": b"[" * 200_000,
    "large number": b'{"version": ' + b"9" * 10_000 + b"}",
    "null": b"null",
    "a list": b"[1, 2]",
    "zeros": b"\0" * 4096,
    "huge": b"[" + b" " * (33 << 20) + b"]",
}
VOLUMES, STATUS = "var/lib/blockstore/volumes", "run/blockstore/status.json"


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_none(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str):
    fake.write(f"{VOLUMES}/v1.json", FILES[name])
    fake.write(STATUS, FILES[name])
    fake.write("etc/iscsi/initiatorname.iscsi", FILES[name])
    fake.write("var/lib/blockstore/links/s", FILES[name])
    assert ledger.read_all(fake.machine) in ({}, {"v1": KNOWN}) or name == "no UTF-8"
    assert status.read(fake.machine) is None
    assert initiator.read_name(fake.root) == ""
    device.unlink(fake.machine, [Volume("v1", "data")])
    monkeypatch.setattr(command, "Machine", lambda: fake.machine)
    assert command.main(["status"]) == command.UNWELL
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nowhere", "link to itself"])
def test_what_is_no_file_is_none_and_nothing_is_waited_for(fake: FakeMachine, kind: str):
    for name in (f"{VOLUMES}/v1.json", STATUS):
        path = fake.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("nowhere" if kind == "link to nowhere" else path)
    assert ledger.read_all(fake.machine) == {}
    assert status.read(fake.machine) is None


WRONG = [
    {"iqn": "../../../../../srv"},
    {"iqn": "iqn.2010-10.x:a/../../b"},
    {"iqn": ""},
    {"portal": "fe80::1%../../x"},
    {"portal": "10.0.0.1\n"},
    {"portal": 1},
    {"lun": -1},
    {"lun": "1"},
    {"transport": "nvme"},
    {"transport": "../iscsi"},
    {"borrowed": "no"},
    {"attachment": {"id": "../x", "volume": {"id": "v1"}}},
    {"attachment": {"id": "a", "volume": {"id": "v2"}}},
    {"attachment": {"id": "a", "volume": {"id": "v1", "name": "a\nb"}}},
    {"attachment": None},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_ledger_that_names_what_cannot_be(fake: FakeMachine, change: dict[str, object]):
    fake.write(f"{VOLUMES}/v1.json", json.dumps({**GOOD, **change}))
    fake.write(f"{VOLUMES}/v3.json", json.dumps({**GOOD, "attachment": {"id": "a", "volume": {"id": "v3"}}}))
    assert list(ledger.read_all(fake.machine)) == ["v3"]


def machine(folder: Path) -> Machine:
    return Machine(Paths(folder), FakeRunner(), FakeClock())


@hostile(40)
@given(broken(GOOD))
def test_a_ledger_with_one_wrong_value(tmp_path: Path, value: object):
    path = tmp_path / VOLUMES / "v1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    paths = Paths(tmp_path)
    for volume_id, known in ledger.read_all(machine(tmp_path)).items():
        assert volume_id == "v1"
        location = record.location(paths, known.path)
        assert location.resolve() == location
        assert location.is_relative_to(record.database(paths))


@hostile(30)
@given(REPORTS, st.data())
def test_a_status_with_one_wrong_value(tmp_path: Path, report: Report, data: st.DataObject):
    path = tmp_path / STATUS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data.draw(broken(report.to_wire()))))
    found = status.read(machine(tmp_path))
    assert found is None or isinstance(found, Report)


@hostile(30)
@given(around(KEYS.filter(lambda key: isinstance(key, str))))
def test_any_json(tmp_path: Path, value: object):
    try:
        text = json.dumps(value, default=str)
    except ValueError:
        return
    for name in (f"{VOLUMES}/v1.json", STATUS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert ledger.read_all(machine(tmp_path)) == {}
    assert status.read(machine(tmp_path)) is None


@hostile(40)
@given(TEXTS, TEXTS, TEXTS)
def test_a_link_file_has_two_lines_and_its_place(tmp_path: Path, name: str, serial: str, volume_id: str):
    links = tmp_path / "var/lib/blockstore/links"
    before = set(tmp_path.rglob("*"))
    try:
        written = device.link(machine(tmp_path), Volume(volume_id or "v", name or "v"), serial)
    except (UnicodeEncodeError, OSError):  # a surrogate, or a name that is too long: neither passes the door
        written = False
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.parent == links for path in new)
    if written:
        lines = (links / serial).read_bytes().split(b"\n")
        assert [line.partition(b"=")[0] for line in lines] == [b"BLOCKSTORE_ID", b"BLOCKSTORE_NAME", b""]
        assert not set(b" \t\"'$%/") & set(lines[0] + lines[1])


@pytest.mark.parametrize("serial", EVILS, ids=ascii)
def test_a_serial_that_is_no_file_name_gets_no_link(fake: FakeMachine, serial: str):
    """The target may answer with any bytes for its serial, and nothing else may have been named."""
    if serial.isascii() and device.link(fake.machine, Volume("v1", "data"), serial):
        assert serial.isprintable()
        assert (fake.root / "var/lib/blockstore/links" / serial).is_file()
