"""connection_info: flat as in Cinder's answer, nested as in its database, empty where nothing is connected yet."""

from __future__ import annotations

import pytest
from hypothesis import given

from blockstore import connection_info
from blockstore.reader import Faults, Reader
from tests.unit.wire import CONNECTIONS


def read(value: object) -> tuple[object, list[str]]:
    faults = Faults()
    return connection_info.parse(Reader(value, faults, "c")), [str(fault) for fault in faults]


@given(CONNECTIONS)
def test_flat_and_nested_are_the_same(connection):
    flat = connection.to_wire()
    nested = {"driver_volume_type": "iscsi", "data": {key: value for key, value in flat.items() if key != "driver_volume_type"}}
    assert read(flat) == read(nested) == (connection, [])


@pytest.mark.parametrize("value", [{}, None])
def test_a_reserved_attachment_has_none(value):
    assert read(value) == (None, [])


@pytest.mark.parametrize(("value", "fault"), [
    ({"driver_volume_type": "rbd"}, "c.driver_volume_type: no transport 'rbd' here; known are iscsi"),
    ({"target_lun": 1}, "c.driver_volume_type: is missing"),
    ({"driver_volume_type": "iscsi", "data": []}, "c.data: must be a mapping, not a list"),
    ({"driver_volume_type": "iscsi", "data": {"target_lun": "1"}}, "c.data.target_portal: is missing"),
    ("iscsi", "c: must be a mapping, not a text"),
])  # fmt: skip
def test_fault(value, fault):
    found, faults = read(value)
    assert found is None
    assert fault in faults
