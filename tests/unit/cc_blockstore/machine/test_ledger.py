"""Which volumes are ours: there and back, without a secret; a file that is broken names nobody."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from blockstore.attachment import Attachment, Volume
from blockstore.iscsi import Chap, IscsiConnection, IscsiPath
from blockstore.portal import Portal
from blockstore.secret import Secret
from cc_blockstore.machine import ledger
from cc_blockstore.machine.ledger import Known
from tests.unit.fakes import FakeMachine
from tests.unit.wire import ATTACHMENTS, PATHS

ONE = Known(Attachment("a1", Volume("v1", "data")), IscsiPath(Portal("fd00::1"), "iqn.2010-10.org.openstack:v", 1))


def test_remember_and_forget(fake: FakeMachine):
    assert ledger.read_all(fake.machine) == {}
    assert ledger.write(fake.machine, ONE)
    assert not ledger.write(fake.machine, ONE)
    assert ledger.read_all(fake.machine) == {"v1": ONE}
    ledger.forget(fake.machine, "v1")
    ledger.forget(fake.machine, "v1")
    assert ledger.read_all(fake.machine) == {}


def test_no_secret_is_put_down(fake: FakeMachine):
    connection = IscsiConnection((ONE.path,), Chap("u", Secret("Plant3dS3cret")))
    ledger.write(fake.machine, replace(ONE, attachment=replace(ONE.attachment, connection=connection)))
    assert not [data for data in fake.files().values() if b"Plant3d" in data]
    assert (fake.root / "var/lib/blockstore/volumes/v1.json").stat().st_mode & 0o777 == 0o600


@given(ATTACHMENTS, PATHS)
def test_round_trip(attachment, path):
    known = Known(attachment, path, borrowed=True, serial="named")
    assert ledger._read(known.to_json()) == known


def test_a_file_of_a_version_that_remembered_no_serial_is_read(fake: FakeMachine):
    value = json.loads(ONE.to_json())
    del value["serial"]
    fake.write("var/lib/blockstore/volumes/v1.json", json.dumps(value, indent=1) + "\n")
    assert ledger.read_all(fake.machine) == {"v1": ONE}


@pytest.mark.parametrize(
    ("listed", "connection", "before", "serial"),
    [
        ("listed", "said", "remembered", "listed"),
        ("", "said", "remembered", "said"),
        ("", "", "remembered", ""),
        ("", None, "remembered", "remembered"),
        ("listed", None, "remembered", "listed"),
        ("", None, None, ""),
    ],
)
def test_whose_word_of_the_serial_counts(listed, connection, before, serial):
    """The list's; what connection_info says now; only then what it said when it was asked."""
    said = None if connection is None else IscsiConnection((ONE.path,), serial=connection)
    one = Attachment("a1", Volume("v1", "data", serial=listed), connection=said)
    assert ledger.serial_of(one, None if before is None else replace(ONE, serial=before)) == serial


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", ONE.to_json()[:40], ONE.to_json().replace('"fd', '"/'), "\0"])
def test_a_broken_file_is_passed_over(fake: FakeMachine, text):
    ledger.write(fake.machine, ONE)
    fake.write("var/lib/blockstore/volumes/broken.json", text)
    assert ledger.read_all(fake.machine) == {"v1": ONE}


def test_what_is_leaving_is_told_by_its_attachment():
    other = replace(ONE, attachment=Attachment("a2", Volume("v2", "logs")), leaving=True)
    assert ledger.leaving({"v1": ONE, "v2": other}) == {"a2"}


def test_one_that_is_named_at_another_path_is_told_with_both():
    def named(*paths: IscsiPath) -> list[Attachment]:
        return [replace(ONE.attachment, connection=IscsiConnection(paths))]

    other = replace(ONE.path, lun=2)
    told = {"v1": f"connected to {ONE.path}, its connection_info names {other} now"}
    assert ledger.moved({"v1": ONE}, named(other)) == told
    for listed in ([ONE.attachment], named(ONE.path), named(other, ONE.path), []):
        assert ledger.moved({"v1": ONE}, listed) == {}
    assert ledger.moved({}, named(other)) == {}
