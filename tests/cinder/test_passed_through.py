"""An instance and an operator at a server whose volumes are a real Cinder's; what both see is asked of Cinder itself, too."""

from __future__ import annotations

import json

import pytest

from blockstore.errors import CommandFailed
from blockstore.waiting import Deadline, wait_for
from tests.cinder.conftest import Scene
from tests.target import initiator

REPORT = {"version": 1, "instance_id": "", "initiator_name": "", "started": "2026-11-22T00:00:00Z", "duration_ms": 1}


def test_one_life_of_an_attachment(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    assert scene.status(volume) == "reserved"
    [listed] = guest.listed()
    assert (listed["id"], listed["status"], listed["mode"]) == (attachment, "reserved", "rw")
    found = listed["volume"]
    assert (found["id"], found["size"], found["serial"], found["blank"]) == (volume, 1, "", True)

    login = guest.login(attachment)
    assert scene.status(volume) == "attaching"
    assert login.iqn == f"iqn.2010-10.org.openstack:volume-{volume}"
    assert initiator.inquiry(login).ok
    assert not initiator.inquiry(login.but(password="wrong-password-1")).ok
    assert initiator.io(login, "write -P 7 0 4096", "read -P 7 0 4096").ok
    assert [each["status"] for each in guest.listed()] == ["attaching"]

    guest.complete(attachment)
    guest.complete(attachment)
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("in-use", "attached")
    # A guest that boots again connects again: the same answer, and Cinder's state stays.
    assert guest.login(attachment) == login
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("in-use", "attached")
    assert [(each["status"], each["volume"]["blank"]) for each in guest.listed()] == [("attached", True)]

    made = {"device": "/dev/sda", "type": "ext4", "uuid": "", "label": "", "mount": None}
    one = {"id": volume, "name": "", "result": "ok", "changed": True, "device": "/dev/sda", "steps": [], "filesystems": [made]}
    assert guest.ask("PUT", "report", {**REPORT, "volumes": [one]}).status_code == 204
    assert [each["volume"]["blank"] for each in guest.listed()] == [False]

    scene.server.detach(volume)
    assert scene.status(volume) == "detaching"
    assert [each["status"] for each in guest.listed()] == ["detaching"]
    assert guest.connect(attachment).status_code == 409
    answer = guest.ask("DELETE", f"attachments/{attachment}")
    assert (answer.status_code, answer.json()) == (200, {"attachments": []})
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("available", "")
    assert not initiator.inquiry(login).ok
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 404


def test_the_serial_that_cinders_tgt_answers_is_its_own_affair(scene: Scene) -> None:
    """It is the volume's name cut off at 36 characters: what told us to say nothing of a serial."""
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    assert initiator.serial(guest.login(attachment)) == f"volume-{volume}"[:36]


def test_the_wrong_instance_gets_nothing(scene: Scene) -> None:
    owner, other = scene.guest(), scene.guest()
    _, attachment = scene.attached(owner)
    owner.login(attachment)
    assert other.listed() == []
    assert other.ask("GET", f"attachments/{attachment}").status_code == 404
    assert other.connect(attachment).status_code == 404
    assert other.ask("POST", f"attachments/{attachment}/action", {"os-complete": {}}).status_code == 404
    assert other.ask("DELETE", f"attachments/{attachment}").status_code == 404
    assert owner.connect(attachment, initiator=other.initiator).status_code == 409
    assert scene.attachment_status(attachment) == "attaching"


def test_an_attachment_that_somebody_made_in_cinder_is_not_ours(scene: Scene) -> None:
    """Nova's are attached to the hypervisor: connected a second time two machines would write to one disk."""
    guest = scene.guest()
    volume = scene.foreign()
    made = scene.cinder.ask("POST", "/attachments", {"attachment": {"volume_uuid": volume, "instance_uuid": guest.id}})
    identifier = made.json()["attachment"]["id"]
    assert guest.listed() == []
    assert guest.connect(identifier).status_code == 404
    assert guest.ask("DELETE", f"attachments/{identifier}").status_code == 404
    assert scene.attachment_status(identifier) == "reserved"


def test_completing_what_was_not_connected_is_refused(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    assert guest.ask("POST", f"attachments/{attachment}/action", {"os-complete": {}}).status_code == 409
    assert scene.status(volume) == "reserved"


def test_cinder_s_refusals_come_in_its_words(scene: Scene) -> None:
    guest = scene.guest()
    volume = scene.foreign()
    scene.cinder.ask("POST", "/attachments", {"attachment": {"volume_uuid": volume}})
    with pytest.raises(
        CommandFailed, match="status must be available or downloading to reserve, but the current status is reserved"
    ):
        scene.server.cli("attach", volume, guest.id)
    with pytest.raises(CommandFailed, match="could not be found"):
        scene.server.cli("attach", "no-such-volume", guest.id)


def test_of_two_attaches_the_second_is_told_who_has_it(scene: Scene) -> None:
    owner, other = scene.guest(), scene.guest()
    volume, attachment = scene.attached(owner)
    with pytest.raises(CommandFailed, match=f"instance {owner.id} .* has it, attachment {attachment}"):
        scene.server.cli("attach", volume, other.id)


def test_what_others_change_in_cinder_is_seen(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.login(attachment)
    first = guest.ask("GET", "attachments")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert guest.ask("GET", "attachments?wait=2", headers=tag).status_code == 304
    # Ended by somebody else, in Cinder itself, while the instance waits.
    scene.cinder.ask("PUT", f"/volumes/{volume}", {"volume": {"name": "renamed"}})
    second = guest.ask("GET", "attachments?wait=20", headers=tag)
    assert second.json()["attachments"][0]["volume"]["name"] == "renamed"
    scene.cinder.ask("DELETE", f"/attachments/{attachment}")
    third = guest.ask("GET", "attachments?wait=20", headers={"If-None-Match": second.headers["ETag"]})
    assert third.json() == {"attachments": []}
    # And the volume may be attached again.
    scene.attached(guest, volume)


def test_an_attach_wakes_who_waits_at_once(scene: Scene) -> None:
    from concurrent.futures import ThreadPoolExecutor

    guest = scene.guest()
    tag = {"If-None-Match": guest.ask("GET", "attachments").headers["ETag"]}
    volume = scene.volume()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(guest.ask, "GET", "attachments?wait=25", headers=tag)
        scene.attached(guest, volume)
        assert waiting.result().status_code == 200


class TestBlank:
    """Only what is known to be blank is called so."""

    def blank(self, scene: Scene, volume: str, *options: str) -> bool:
        guest = scene.guest()
        scene.server.cli("attach", volume, guest.id, *options)
        [found] = guest.listed()
        scene.server.cli("detach", volume)
        return bool(found["volume"]["blank"])

    def test_made_through_us_and_reserved_twice(self, scene: Scene) -> None:
        volume = scene.volume()
        assert self.blank(scene, volume)
        assert self.blank(scene, volume)

    def test_made_in_cinder_nobody_knows(self, scene: Scene) -> None:
        assert not self.blank(scene, scene.foreign())

    def test_made_in_cinder_and_vouched_for(self, scene: Scene) -> None:
        assert self.blank(scene, scene.foreign(), "--blank")

    def test_changed_by_somebody_else_in_between(self, scene: Scene) -> None:
        volume = scene.volume()
        made = scene.cinder.ask("POST", "/attachments", {"attachment": {"volume_uuid": volume}}).json()["attachment"]["id"]
        scene.cinder.ask("DELETE", f"/attachments/{made}")
        assert scene.status(volume) == "available"
        assert not self.blank(scene, volume)

    def test_a_copy_cannot_be_vouched_for(self, scene: Scene) -> None:
        copy = scene.foreign(source_volid=scene.foreign())
        assert not self.blank(scene, copy)
        with pytest.raises(CommandFailed, match="it was made from another volume"):
            scene.server.cli("attach", copy, scene.guest().id, "--blank")

    def test_completed_and_released_is_data_for_ever(self, scene: Scene) -> None:
        guest = scene.guest()
        volume, attachment = scene.attached(guest)
        guest.login(attachment)
        guest.complete(attachment)
        assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
        assert not self.blank(scene, volume)
        with pytest.raises(CommandFailed, match="it has been used"):
            scene.server.cli("attach", volume, scene.guest().id, "--blank")


def test_the_command_goes_on_working(scene: Scene) -> None:
    server, guest = scene.server, scene.guest()
    volume = server.cli("volume", "create", "by-command", "--size", "1", "--metadata", "blockstore.mount=/srv/x")
    assert (volume["status"], volume["blockstore:blank"]) == ("available", True)
    assert server.cli("volume", "extend", volume["id"], "--size", "2")["size"] == 2
    attached = server.cli("attach", "by-command", guest.id)
    assert server.cli("instance", "show", guest.id)["attachments"][0]["id"] == attached["id"]
    assert next(each for each in server.cli("volume", "list") if each["id"] == volume["id"])["status"] == "reserved"
    assert guest.listed()[0]["volume"]["metadata"] == {"blockstore.mount": "/srv/x"}
    assert guest.listed()[0]["volume"]["blank"]
    with pytest.raises(CommandFailed, match="has attachments"):
        server.cli("instance", "delete", guest.id)
    server.cli("detach", "by-command", "--force")
    server.cli("volume", "delete", "by-command")
    wait_for(
        "the volume to go",
        lambda: scene.cinder.ask("GET", f"/volumes/{volume['id']}").status_code == 404 or None,
        Deadline.after(20),
    )
    server.cli("instance", "delete", guest.id)
    assert server.cli("status")["cinder"] == scene.cinder.url


def test_a_copy_by_command_is_not_blank(scene: Scene) -> None:
    copy = scene.server.cli("volume", "create", "copy-by-command", "--source", scene.volume())
    assert (copy["size"], copy["blockstore:blank"]) == (1, False)


def test_detach_waits_until_the_instance_lets_go(scene: Scene) -> None:
    from concurrent.futures import ThreadPoolExecutor

    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.login(attachment)
    guest.complete(attachment)
    with ThreadPoolExecutor() as pool:
        detaching = pool.submit(scene.server.detach, volume, wait=True)
        wait_for("the wish", lambda: guest.listed()[0]["status"] == "detaching" or None, Deadline.after(30))
        guest.ask("DELETE", f"attachments/{attachment}")
        assert detaching.result()["volume_status"] == "available"


def test_the_rest_of_cinder_s_api_is_cinder_s(scene: Scene) -> None:
    import requests

    headers = {"X-Auth-Token": scene.server.token, "OpenStack-API-Version": "volume 3.54"}
    answer = requests.get(f"{scene.server.operator_url}/v3/snapshots", headers=headers, timeout=10)
    assert (answer.status_code, list(answer.json())) == (501, ["notImplemented"])
    assert "openstack volume" in answer.text


def test_no_secret_is_in_a_log_or_a_list(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    login = guest.login(attachment)
    shown = [json.dumps(scene.server.client.get(f"/v3/attachments/{attachment}")), guest.ask("GET", "attachments").text]
    shown += [scene.server.log.read_text(), json.dumps(scene.server.client.get("/v3/attachments"))]
    assert not [text for text in shown if login.password in text]
    assert login.password not in (scene.server.state / "state.db").read_bytes().decode("latin-1")
