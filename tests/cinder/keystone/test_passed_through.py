"""An attachment's life where Cinder asks Keystone who we are; once with a password, once with an application credential."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata_server.domain.errors import Unavailable
from tests.cinder.conftest import Scene
from tests.cinder.keystone.conftest import Cloud, client
from tests.target import initiator


def test_one_life_of_an_attachment(scene: Scene, cloud: Cloud) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    assert scene.status(volume) == "reserved"
    login = guest.login(attachment)
    assert initiator.inquiry(login).ok
    guest.complete(attachment)
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("in-use", "attached")
    assert volume in {each["id"] for each in scene.server.client.get("/v3/volumes/detail")["volumes"]}

    # It names an instance and is connected: to end it is for services alone. (There is no Nova here that Cinder could ask.)
    refused = scene.cinder.ask("DELETE", f"/attachments/{attachment}")
    assert refused.status_code == 500, refused.text
    assert "EndpointNotFound" in scene.cinder.log.read_text(errors="replace")
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("in-use", "attached")

    # Ours is one.
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("available", "")
    assert not initiator.inquiry(login).ok
    assert_no_secret(scene, cloud, login.password)


@pytest.mark.parametrize("server", ["password"], indirect=True)
def test_a_keystone_that_is_gone_is_503_and_all_goes_on_when_it_is_back(scene: Scene, cloud: Cloud, tmp_path: Path) -> None:
    guest, new = scene.guest(), client(cloud.words("password", tmp_path))
    volume, attachment = scene.attached(guest)
    cloud.keystone.stop()
    try:
        # Our token is still good, but Cinder can ask nobody what it is worth.
        answer = guest.ask("GET", "attachments")
        assert answer.status_code == 503, answer.text
        assert "Cinder: it answered 503; its log says why" in answer.text
        assert guest.ask("GET", "vendor-data").status_code == 200
        with pytest.raises(Unavailable, match=r"Keystone does not answer: ConnectFailure\. Is it up"):
            new.volumes()
    finally:
        cloud.keystone.start()
    assert [each["id"] for each in guest.listed()] == [attachment]
    assert volume in {each.id for each in new.volumes()}
    login = guest.login(attachment)
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert scene.status(volume) == "available"
    assert_no_secret(scene, cloud, login.password)


def assert_no_secret(scene: Scene, cloud: Cloud, *more: str) -> None:
    """Neither in the log of our server nor in what it keeps."""
    kept = [file for file in scene.server.state.iterdir() if file.is_file() and file.name.startswith("state.db")]
    assert kept
    shown = scene.server.log.read_text() + "".join(file.read_bytes().decode("latin-1") for file in kept)
    tokens = "gAAAA"  # how every fernet token begins
    assert not [secret for secret in (*cloud.secrets, *more, tokens) if secret in shown]
