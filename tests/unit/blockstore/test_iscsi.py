"""connection_info of iSCSI: there and back; hostile input is faults, and no fault quotes a credential."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore import iscsi
from blockstore.errors import DocumentInvalid
from blockstore.iscsi import Chap, IscsiConnection, IscsiPath
from blockstore.portal import Portal
from blockstore.secret import Secret
from tests.unit.wire import CONNECTIONS, broken

PLANTED, OTHER = "Plant3dS3cret", "0therS3cret"
PATH = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:volume-1", 1)
WIRE: dict[str, object] = {
    "driver_volume_type": "iscsi",
    "target_portal": "10.0.0.1:3260",
    "target_iqn": PATH.iqn,
    "target_lun": 1,
    "auth_method": "CHAP",
    "auth_username": "user",
    "auth_password": PLANTED,
}


def faults(**changes: object) -> list[str]:
    with pytest.raises(DocumentInvalid) as raised:
        iscsi.from_wire({**WIRE, **changes}, "c")
    return [str(fault) for fault in raised.value.faults]


@given(CONNECTIONS)
def test_round_trip(connection):
    assert iscsi.from_wire(json.loads(json.dumps(connection.to_wire()))) == connection


def test_the_flat_form_is_cinder_s():
    wire = IscsiConnection((PATH,), Chap("user", Secret(PLANTED)), ("MD5",), "serial", "v1").to_wire()
    assert wire == {
        **WIRE,
        "target_discovered": False,
        "volume_id": "v1",
        "access_mode": "rw",
        "encrypted": False,
        "qos_specs": None,
        "cacheable": False,
        "enforce_multipath": False,
        "serial": "serial",
        "chap_algs": ["MD5"],
    }


def test_several_paths_stand_in_lists_too():
    second = IscsiPath(Portal("fd00::1", 3261), "iqn.2010-10.org.openstack:volume-2", 0)
    wire = IscsiConnection((PATH, second)).to_wire()
    assert wire["target_portals"] == ["10.0.0.1:3260", "[fd00::1]:3261"]
    assert wire["target_portal"] == "10.0.0.1:3260"
    assert iscsi.from_wire(wire).paths == (PATH, second)


def test_it_prints_no_credential():
    connection = iscsi.from_wire({**WIRE, "auth_username_in": "target", "auth_password_in": OTHER})
    assert PLANTED not in repr(connection)
    assert OTHER not in repr(connection)
    assert str(PATH) == "iqn.2010-10.org.openstack:volume-1 LUN 1 at 10.0.0.1:3260"


@pytest.mark.parametrize("method", [None, "None"])
def test_without_authentication(method):
    assert iscsi.from_wire({**WIRE, "auth_method": method}).chap is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"target_portal": None}, "c.target_portal: is missing"),
        ({"target_portal": "../etc"}, "c.target_portal: '../etc': '../etc' is neither an address nor a host name"),
        ({"target_portal": "10.0.0.1:99999"}, "c.target_portal: '10.0.0.1:99999': '99999' is not a port"),
        ({"target_portal": "10.0.0.1\nnode.startup = automatic"}, "c.target_portal: contains a control character"),
        ({"target_iqn": "iqn.2010-10.org.openstack:../../x\n"}, "c.target_iqn: contains a control character"),
        ({"target_lun": None}, "c.target_lun: a LUN number is needed"),
        ({"target_lun": 16384}, "c.target_lun: must be from 0 to 16383, not 16384"),
        ({"auth_method": "KRB5"}, "c.auth_method: must be CHAP, not 'KRB5'"),
        ({"auth_password": None}, "c.auth_password: is missing"),
        ({"auth_password": 123}, "c.auth_password: must be a text, not a number"),
        ({"auth_password": "p" * 256}, "c.auth_password: is longer than 255 bytes"),
        ({"auth_password": "ä" * 128}, "c.auth_password: is longer than 255 bytes"),
        ({"auth_password": " p"}, "c.auth_password: has spaces at an end, which open-iscsi strips"),
        ({"auth_username": "u\u2028"}, "c.auth_username: contains a control character"),
        ({"auth_password_in": OTHER}, "c.auth_username_in: is missing"),
        ({"auth_username_in": "t"}, "c.auth_password_in: is missing"),
        ({"auth_username_in": "t", "auth_password_in": PLANTED}, "c.auth_password_in: must differ from auth_password"),
        ({"chap_algs": ["MD5", "MD4"]}, "c.chap_algs[1]: must be one of MD5, SHA1, SHA256, SHA3-256"),
        ({"access_mode": "rx"}, "c.access_mode: must be one of rw, ro, not 'rx'"),
        (
            {"target_portals": ["10.0.0.1:3260"]},
            "c.target_portals: target_portals, target_iqns and target_luns must be of one length",
        ),
    ],
)
def test_fault(changes, fault):
    assert fault in faults(**changes)


@pytest.mark.parametrize("iqn", ["iqn.2010-10.org.openstack:../../x", "../../etc", "iqn.2010-10.x:%s", "IQN.2010-10.x:a", "a b"])
def test_a_target_name_that_could_leave_its_folder_is_none(iqn):
    assert faults(target_iqn=iqn)[0].startswith("c.target_iqn: ")


def test_all_faults_come_at_once_and_quote_no_credential():
    found = faults(target_portal="x y", target_lun="1", auth_username_in=" t", auth_password_in=PLANTED, access_mode=1)
    assert len(found) == 5
    assert PLANTED not in "".join(found)


def test_an_empty_one_is_no_connection():
    with pytest.raises(DocumentInvalid):
        iscsi.from_wire({})


@given(CONNECTIONS, st.data())
def test_broken_input_is_faults_without_the_credentials_or_a_connection(connection, data):
    value = data.draw(broken(connection.to_wire()))
    try:
        iscsi.from_wire(value)
    except DocumentInvalid as error:
        if connection.chap and len(connection.chap.password.reveal()) > 5:
            assert connection.chap.password.reveal() not in str(error)  # noqa: PT017
