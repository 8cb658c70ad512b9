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


def test_the_service_may_say_more_than_we_know():
    found, faults = read({"id": "a-1", "moed": "ro", "volume": {"id": "v1", "serail": "s"}, "connection_info": {}})
    assert found is not None
    assert faults == []


def written(value: object) -> tuple[Attachment | None, list[str]]:
    faults = Faults()
    return attachment.parse_written(Reader(value, faults, "a")), [str(fault) for fault in faults]


@given(CONNECTIONS)
def test_a_static_one_needs_only_the_volume_s_id_and_how_to_connect_it(connection):
    found = written({"volume": {"id": "v1"}, "connection_info": connection.to_wire()})
    assert found == (Attachment("v1", Volume("v1", "v1"), Status.ATTACHED, connection=connection), [])


@given(ATTACHMENTS, CONNECTIONS)
def test_what_the_server_says_may_be_copied_into_a_static_one(one, connection):
    assert written({**one.to_wire(), "connection_info": connection.to_wire()}) == (replace(one, connection=connection), [])


ISCSI = {"driver_volume_type": "iscsi", "target_portal": "10.0.0.1", "target_iqn": "iqn.2010-10.org.openstack:v", "target_lun": 1}
CINDERS = dict.fromkeys((
    "attachment_id", "target_discovered", "discovery_auth_method", "discovery_auth_username", "discovery_auth_password",
    "encrypted", "qos_specs", "cacheable", "discard", "physical_block_size", "logical_block_size", "enforce_multipath",
), "x")  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"auth_pasword_in": "x", "auth_usernam_in": "x"}])
def test_a_key_of_a_static_one_that_nobody_knows_is_a_fault(more):
    connection = {**ISCSI, **CINDERS, **more}
    misspelt = [f"unknown key; did you mean {name!r}?" for name in ("auth_password_in", "auth_username_in") if more]
    for form, place in ((connection, ""), ({"driver_volume_type": "iscsi", "data": {**connection}}, ".data")):
        assert written({"volume": {"id": "v1"}, "connection_info": form})[1] == [
            f"a.connection_info{place}.{key}: {told}" for key, told in zip(more, misspelt)
        ]
    assert written({"moed": "ro", "volume": {"id": "v1", "serail": "s", "nmae": "n"}, "connection_info": ISCSI})[1] == [
        "a.moed: unknown key; did you mean 'mode'?", "a.volume.serail: unknown key; did you mean 'serial'?",
        "a.volume.nmae: unknown key; did you mean 'name'?",
    ]  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"connection_info": None}, {"connection_info": {}}])
def test_of_a_static_one_all_that_is_missing_is_named(more):
    assert written(more) == (None, ["a.volume.id: is missing", "a.connection_info: is missing"])


@pytest.mark.parametrize("value", [5, {5: 1}])
def test_what_is_no_mapping_is_told_once(value):
    told = written({"volume": {"id": "v1"}, "connection_info": {**ISCSI, "data": value}})[1]
    assert len(set(told)) == len(told) == 4, "it, and the three keys that are missing then"
    assert len(written({"volume": 5, "connection_info": ISCSI})[1]) == 2


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
