"""The connector: Cinder's words, there and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.connector import Connector
from blockstore.errors import DocumentInvalid
from tests.unit.wire import CONNECTORS, broken


@given(CONNECTORS)
def test_round_trip(connector):
    assert Connector.from_wire(json.loads(json.dumps(connector.to_wire()))) == connector


def test_the_words_are_cinder_s():
    wire = Connector("iqn.2018-12.com.x:a", "10.0.2.15", "web", "x86_64", "linux", False, "uuid", "/srv").to_wire()
    assert wire == {
        "initiator": "iqn.2018-12.com.x:a", "ip": "10.0.2.15", "host": "web", "platform": "x86_64", "os_type": "linux",
        "multipath": False, "system uuid": "uuid", "mountpoint": "/srv",
    }  # fmt: skip
    assert {"system uuid", "mountpoint"}.isdisjoint(Connector("iqn.2018-12.com.x:a").to_wire())


def test_words_of_other_transports_are_left_alone():
    assert Connector.from_wire({"initiator": "iqn.2018-12.com.x:a", "nqn": "nqn.2014", "wwpns": [1]}).ip == ""


@pytest.mark.parametrize("initiator", [None, "", 1, "web-1", "iqn.2018-12.com.x:a\nx", "../../x", "iqn.2018-12.com.x:%n"])
def test_without_a_valid_initiator_there_is_none(initiator):
    with pytest.raises(DocumentInvalid) as raised:
        Connector.from_wire({"initiator": initiator})
    assert raised.value.faults[0].path == "connector.initiator"


@given(st.data())
def test_broken_input_is_a_fault_or_a_connector(data):
    whole = Connector("iqn.2018-12.com.x:a", "10.0.2.15", "web", "x86_64", "linux", False, "uuid", "/srv").to_wire()
    try:
        Connector.from_wire(data.draw(broken(whole)))
    except DocumentInvalid as error:
        assert all(fault.path.startswith("connector") for fault in error.faults)  # noqa: PT017
