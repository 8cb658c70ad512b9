"""What Cinder says is read strictly: refusals in its words, connection_info without a guess, nothing of it in an error."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

pytest.importorskip("keystoneauth1")

from metadata_server.domain.errors import Conflict, Invalid, NotFound, Unavailable
from metadata_server.engines.cinder import reading
from metadata_server.engines.cinder.client import CinderClient
from metadata_server.engines.cinder.refusals import no_token, refusal
from metadata_server.engines.cinder.session import PLUGINS
from metadata_server.engines.cinder.settings import NEEDED

PASSWORD = "a-planted-password"
INFO: dict[str, Any] = {
    "driver_volume_type": "iscsi", "target_discovered": False, "target_portal": "10.0.0.1:3260", "target_lun": 1,
    "target_iqn": "iqn.2010-10.org.openstack:volume-v", "auth_method": "CHAP", "auth_username": "u", "auth_password": PASSWORD,
    "encrypted": False, "qos_specs": None, "access_mode": "rw", "cacheable": False, "enforce_multipath": False,
    "volume_id": "v", "attachment_id": "a",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "body", "kind", "said"),
    [
        (400, {"badRequest": {"code": 400, "message": "Invalid volume: no."}}, Invalid, "Cinder: Invalid volume: no."),
        (404, {"itemNotFound": {"message": "gone"}}, NotFound, "Cinder: gone"),
        (409, {"conflictingRequest": {"message": "raced"}}, Conflict, "Cinder: raced"),
        (413, {"overLimit": {"message": "quota"}}, Conflict, "Cinder: quota"),
        (500, {"computeFault": {"message": "oops"}}, Unavailable, "Cinder: oops"),
        (502, {}, Unavailable, "Cinder: it answered 502"),
        (401, {"error": {"message": "who"}}, Unavailable, "refuses this server's credentials (401): who"),
        (403, None, Unavailable, "refuses this server's credentials (403)"),
        (0, None, Unavailable, "does not answer: ConnectFailure"),
        (400, {"badRequest": {"message": "no\nTraceback (most recent call last)\n File /x"}}, Invalid, "Cinder: no"),
        (400, {"badRequest": {"message": "x" * 9999}}, Invalid, "Cinder: " + "x" * 500),
    ],
)
def test_refusals(code: int, body: dict[str, Any] | None, kind: type[Exception], said: str) -> None:
    error = refusal(code, body, "ConnectFailure")
    assert type(error) is kind
    assert said in str(error)
    assert "/x" not in str(error)
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    ("auth", "code", "said"),
    [
        (
            "password",
            401,
            "Keystone refuses this server's credentials (401 Why). Are [cinder] auth_url, username, password_file, ",
        ),
        ("application_credential", 401, "Are [cinder] auth_url, credential_id, secret_file right?"),
        ("password", 404, "Keystone gives no token (404 Why). Is [cinder] auth_url right?"),
        ("password", 0, "Keystone does not answer: Why. Is it up, and [cinder] auth_url right?"),
    ],
)
def test_what_keystone_refuses_names_the_keys_to_look_at(auth: str, code: int, said: str) -> None:
    error = no_token(auth, code, "Why")
    assert type(error) is Unavailable
    assert said in str(error)


def test_connection_info_as_recorded_is_read() -> None:
    found = reading.connection(INFO, "v")
    assert (str(found.paths[0].portal), found.paths[0].lun, found.serial) == ("10.0.0.1:3260", 1, "")
    assert found.chap is not None
    assert found.chap.password.reveal() == PASSWORD


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"encrypted": True}, Invalid, "encrypted"),
        ({"driver_volume_type": "rbd"}, Invalid, "reached over 'rbd'; instances speak iscsi"),
        ({"volume_id": "w"}, Unavailable, "of another volume"),
        ({"target_iqn": None}, Unavailable, "has 1 faults"),
        ({"target_lun": "one", "target_portal": "?"}, Unavailable, "faults"),
    ],
)
def test_a_connection_info_that_cannot_be_right_is_refused_without_its_values(
    change: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as raised:
        reading.connection({**INFO, **change}, "v")
    assert PASSWORD not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("value", [None, {}, [], "x", {"id": "v"}, {"id": "v", "status": None, "size": 1}])
def test_an_answer_that_is_none_is_a_fault_of_cinders(value: object) -> None:
    with pytest.raises(Unavailable, match="Cinder answered with no"):
        reading.volume(value)
    with pytest.raises(Unavailable, match="Cinder answered with no"):
        reading.attachment(value)


@pytest.mark.parametrize(
    ("words", "origin"),
    [
        ({}, ""), ({"bootable": "false"}, ""), ({"snapshot_id": None}, ""), ({"snapshot_id": "s"}, "a snapshot"),
        ({"source_volid": "v"}, "another volume"), ({"volume_image_metadata": {"x": "y"}}, "an image"),
        ({"bootable": "true"}, "a bootable disk"), ({"group_id": "g"}, "a consistency group"),
    ],
)  # fmt: skip
def test_what_a_volume_was_made_from(words: dict[str, Any], origin: str) -> None:
    assert reading.volume({"id": "v", "status": "available", "size": 1, **words}).origin == origin


@pytest.mark.parametrize("identifier", ["..", "a/b", "x?y=1", "", "a" * 65, "%2e%2e"])
def test_an_id_that_could_lead_elsewhere_is_asked_of_nobody(identifier: str) -> None:
    client = CinderClient(None, None)  # type: ignore[arg-type]
    for ask in (client.volume, client.attachment, client.complete, client.delete_volume):
        with pytest.raises(NotFound):
            ask(identifier)


def test_every_way_of_authentication_has_a_plugin() -> None:
    assert set(PLUGINS) == set(NEEDED)
