"""Who can log in: the one with the credentials that were handed out, as long as the attachment lasts, and nobody else."""

from __future__ import annotations

import pytest

from tests.target import initiator
from tests.target.conftest import Scene, start_of


def test_the_credentials_that_were_handed_out_log_in(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    assert initiator.serial(login) == volume
    assert initiator.io(login, "write -P 0x5a 0 64k", "read -P 0x5a 0 64k").ok
    assert start_of(scene.server.volume_file(volume), 65536) == b"\x5a" * 65536


def test_mutual_chap_logs_in_and_the_target_proves_itself(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest, mutual=True)
    login = guest.login(attachment)
    assert login.password_in
    assert login.password_in != login.password
    assert initiator.inquiry(login).ok
    assert not initiator.inquiry(login.but(password_in="x" * 32)).ok


@pytest.mark.parametrize(
    "change",
    [
        {"password": "A" * 32},
        {"user": "nobody"},
        {"user": "", "password": ""},
        {"initiator": "iqn.2018-12.com.leftasexercise:somebody-else"},
    ],
    ids=["wrong secret", "wrong user", "no credentials", "another initiator"],
)
def test_nothing_else_logs_in(scene: Scene, change: dict[str, str]) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    login = guest.login(attachment)
    refused = initiator.inquiry(login.but(**change))
    assert not refused.ok
    assert "Login Failed" in refused.text or "login" in refused.text.lower()
    assert initiator.inquiry(login).ok


def test_the_credentials_of_one_volume_do_not_open_another(scene: Scene) -> None:
    guest = scene.guest()
    first, second = (guest.login(scene.attached(guest)[1]) for _ in range(2))
    assert not initiator.inquiry(first.but(iqn=second.iqn)).ok
    assert initiator.inquiry(second).ok


def test_a_reserved_volume_is_not_exported(scene: Scene) -> None:
    guest = scene.guest()
    volume, _ = scene.attached(guest)
    _, other = scene.attached(guest)
    login = guest.login(other)
    assert not initiator.inquiry(login.but(iqn=f"iqn.2010-10.org.openstack:volume-{volume}")).ok


def test_a_target_is_shown_to_its_own_initiator_alone(scene: Scene) -> None:
    guest, stranger = scene.guest(), scene.guest()
    login = guest.login(scene.attached(guest)[1])
    # SendTargets shows names without CHAP; which ones, the access list says.
    assert login.iqn in initiator.targets(login.but(user="", password="")).text
    shown = initiator.targets(login.but(initiator=stranger.initiator, user="", password=""))
    assert login.iqn not in shown.text


def test_after_detach_nobody_logs_in_and_the_session_is_dropped(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    with initiator.Session(login) as session:
        session.do("write -P 0x11 0 4k", "wrote 4096")
        assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
        assert not initiator.inquiry(login).ok


def test_force_takes_a_volume_away_under_io(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    with initiator.Session(login) as session:
        session.say("aio_write -P 0x22 0 64M")
        scene.server.detach(volume, force=True)
        assert not initiator.inquiry(login).ok
    assert guest.ask("GET", "attachments").json() == {"attachments": []}


def test_a_secret_is_never_used_again(scene: Scene) -> None:
    guest = scene.guest()
    volume = scene.volume()
    seen = set()
    for _ in range(3):
        attachment = scene.server.attach(volume, guest.id)["id"]
        login = guest.login(attachment)
        seen.add((login.user, login.password))
        assert len(login.password) == 32
        assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert len({user for user, _ in seen}) == len({password for _, password in seen}) == 3


def test_a_read_only_attachment_reads_and_does_not_write(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest, mode="ro")
    with scene.server.volume_file(volume).open("r+b") as file:
        file.write(b"\x33" * 4096)
    login = guest.login(attachment)
    assert initiator.io(login, "read -P 0x33 0 4k", readonly=True).ok
    initiator.io(login, "write -P 0x44 0 4k")
    assert start_of(scene.server.volume_file(volume), 4096) == b"\x33" * 4096


def test_the_connectors_initiator_is_the_one_that_is_let_in(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    other = "iqn.2018-12.com.leftasexercise:named-by-the-guest"
    login = guest.login(attachment, other)
    assert initiator.inquiry(login).ok
    assert not initiator.inquiry(login.but(initiator=guest.initiator)).ok
    assert guest.connect(attachment).status_code == 409
