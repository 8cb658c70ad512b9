"""Attachments: there and back, in the list form without a secret; ids and names that cannot leave their folder."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore import attachment
from blockstore.attachment import Attachment, Status, Volume
from blockstore.reader import Faults, Reader
from tests.unit.wire import ATTACHMENTS, CONNECTIONS, broken


def read(value: object) -> tuple[Attachment | None, list[str]]:
    faults = Faults()
    return attachment.parse(Reader(value, faults, "a")), [str(fault) for fault in faults]


@given(ATTACHMENTS)
def test_round_trip(one):
    assert read(json.loads(json.dumps(one.to_wire()))) == (one, [])


@given(ATTACHMENTS, CONNECTIONS)
def test_the_list_form_holds_no_secret(one, connection):
    connected = replace(one, connection=connection)
    assert connected.to_wire() == one.to_wire()
    assert "connection_info" not in connected.to_wire()


@given(ATTACHMENTS, CONNECTIONS)
def test_the_owner_s_form_is_read_with_its_connection(one, connection):
    assert read({**one.to_wire(), "connection_info": connection.to_wire()}) == (replace(one, connection=connection), [])


def test_a_static_one_needs_only_the_volume_s_id():
    assert read({"volume": {"id": "v1"}}) == (Attachment("v1", Volume("v1", "v1"), Status.ATTACHED), [])


@pytest.mark.parametrize("identifier", [
    "../x", "..", ".", "", "a/b", "a\nb", "a b", "-x", "%2e%2e", "a%00", "ä", "a" * 129, "/etc/passwd", 1, None, ["x"],
])  # fmt: skip
def test_an_id_that_could_leave_its_folder_is_refused(identifier):
    for value in ({"volume": {"id": identifier}}, {"id": identifier or "..", "volume": {"id": "v1"}}):
        one, faults = read(value)
        assert one is None
        assert len(faults) == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "größe", "50%", "a b"])
def test_a_name_may_be_anything_that_is_one_line(name):
    one, faults = read({"volume": {"id": "v1", "name": name}})
    assert faults == []
    assert one is not None
    assert one.volume.name == name


def test_all_faults_come_at_once():
    _, faults = read({
        "id": "../x", "status": "gone", "mode": "w", "connection_info": {"driver_volume_type": "fc"},
        "volume": {"name": "a\nb", "size": 0, "blank": "yes", "metadata": {"k": 1}},
    })  # fmt: skip
    assert {fault.partition(": ")[0] for fault in faults} == {
        "a.volume.id", "a.volume.metadata.k", "a.volume.name", "a.volume.size", "a.volume.blank",
        "a.status", "a.mode", "a.connection_info.driver_volume_type", "a.id",
    }  # fmt: skip


@given(ATTACHMENTS, CONNECTIONS, st.data())
def test_broken_input_is_faults_or_an_attachment(one, connection, data):
    found, faults = read(data.draw(broken({**one.to_wire(), "connection_info": connection.to_wire()})))
    assert (found is None) == bool(faults)
