"""Node records: their very text, their modes, their place in each release; never a temporary file below nodes/."""

from __future__ import annotations

import os

import pytest

from blockstore.errors import DeadlineExceeded
from blockstore.iscsi import Chap, IscsiConnection, IscsiPath
from blockstore.portal import Portal
from blockstore.secret import Secret
from blockstore.waiting import Deadline
from cc_blockstore.machine import files, record
from cc_blockstore.machine.record import Timeouts
from tests.unit.fakes import FakeMachine

IQN, NAME = "iqn.2010-10.org.openstack:volume-1", "iqn.2018-12.com.leftasexercise:web-1"
CHAP, MUTUAL = Chap("user", Secret("s3cret")), Chap("user", Secret("s3cret"), "target", Secret("oth3r"))
TIMES = Timeouts(5, 9)

GOLDEN = f"""\
# BEGIN RECORD, written by blockstore
node.name = {IQN}
node.tpgt = 1
node.startup = automatic
iface.iscsi_ifacename = default
iface.transport_name = tcp
iface.initiatorname = {NAME}
node.session.auth.authmethod = CHAP
node.session.auth.username = user
node.session.auth.password = s3cret
node.session.auth.username_in = target
node.session.auth.password_in = oth3r
node.session.auth.chap_algs = MD5
node.session.initial_login_retry_max = 9
node.conn[0].address = 10.0.0.1
node.conn[0].port = 3260
node.conn[0].startup = automatic
node.conn[0].timeo.login_timeout = 5
# END RECORD
"""


def write(fake: FakeMachine, chap: Chap | None = MUTUAL, host: str = "10.0.0.1", algs: tuple[str, ...] = ()) -> IscsiPath:
    path = IscsiPath(Portal(host), IQN, 1)
    record.write(fake.machine, IscsiConnection((path,), chap, algs), NAME, "automatic", TIMES)
    return path


def text(fake: FakeMachine, path: IscsiPath) -> str:
    return record.location(fake.paths, path).read_text()


def test_the_text_with_mutual_chap(fake: FakeMachine):
    assert text(fake, write(fake)) == GOLDEN


def test_one_way_chap_none_and_algorithms(fake: FakeMachine):
    assert "_in = " not in text(fake, write(fake, CHAP))
    assert "chap_algs = SHA256,MD5\n" in text(fake, write(fake, CHAP, algs=("SHA256", "MD5")))
    bare = text(fake, write(fake, None))
    assert "authmethod = None\n" in bare
    assert "password" not in bare


def test_ipv6_stands_without_brackets(fake: FakeMachine):
    path = write(fake, host="fd00::1")
    assert str(record.location(fake.paths, path)).endswith(f"/nodes/{IQN}/fd00::1,3260,1/default")
    assert "node.conn[0].address = fd00::1\n" in text(fake, path)


def test_modes_are_for_root_alone(fake: FakeMachine):
    file = record.location(fake.paths, write(fake))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777 for folder in (file.parent, file.parent.parent)] == [0o700, 0o700]


def test_no_temporary_file_is_ever_below_nodes(fake: FakeMachine, monkeypatch):
    nodes = record.database(fake.paths)
    seen: list[set[str]] = []
    replace = os.replace

    def watched(source: str, target: str) -> None:
        assert nodes not in type(nodes)(source).parents
        assert os.stat(source).st_dev == nodes.stat().st_dev
        seen.append({path.name for path in nodes.rglob("*") if path.is_file()})
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    path = write(fake)
    record.set_startup(fake.machine, path, "onboot")
    assert seen == [set()]  # the other one was in place
    assert not [name for name in os.listdir(nodes.parent) if name.startswith(".")]


def test_a_write_that_fails_leaves_nothing(fake: FakeMachine, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        write(fake)
    assert not [data for data in fake.files().values() if b"s3cret" in data]


def test_the_same_again_changes_nothing(fake: FakeMachine):
    path = write(fake)
    before = record.location(fake.paths, path).stat()
    write(fake)
    assert record.location(fake.paths, path).stat().st_ino == before.st_ino


@pytest.mark.parametrize(("folders", "place"), [
    (("etc/iscsi/nodes",), "etc/iscsi/nodes"),  # Debian 12
    (("var/lib/iscsi/nodes", "etc/iscsi"), "var/lib/iscsi/nodes"),  # Debian 13
    (("var/lib/iscsi/nodes", "etc/iscsi/nodes"), "var/lib/iscsi/nodes"),
    (("var/lib/iscsi", "etc/iscsi/nodes"), "etc/iscsi/nodes"),
    (("var/lib/iscsi", "etc/iscsi"), "var/lib/iscsi/nodes"),
    (("etc/iscsi",), "etc/iscsi/nodes"),
    ((), "etc/iscsi/nodes"),
])  # fmt: skip
def test_the_database_s_place_in_each_release(fake: FakeMachine, folders, place):
    (fake.root / "etc/iscsi/nodes").rmdir()
    for folder in folders:
        (fake.root / folder).mkdir(parents=True, exist_ok=True)
    assert record.database(fake.paths) == fake.root / place


def test_startup_changes_one_line_only(fake: FakeMachine):
    path = write(fake)
    record.set_startup(fake.machine, path, "onboot")
    assert text(fake, path) == GOLDEN.replace("node.startup = automatic", "node.startup = onboot   ")
    record.set_startup(fake.machine, path, "automatic")
    assert text(fake, path) == GOLDEN


def test_startup_stands_in_the_first_sector_of_the_longest_record(fake: FakeMachine):
    longest = IscsiPath(Portal("2001:db8:1111:2222:3333:4444:5555:6666"), f"iqn.2018-12.com.x:{'a' * 205}", 1)
    record.write(fake.machine, IscsiConnection((longest,), None, ()), NAME, "onboot", TIMES)
    before = record.location(fake.paths, longest).stat()
    record.set_startup(fake.machine, longest, "automatic")
    assert "\nnode.startup = automatic\n" in text(fake, longest)[: record.SECTOR]
    assert record.location(fake.paths, longest).stat().st_ino == before.st_ino


def test_a_record_that_iscsiadm_rewrote_is_put_in_place_anew(fake: FakeMachine):
    path = write(fake)
    file = record.location(fake.paths, path)
    file.write_text(GOLDEN.replace("node.startup = automatic", "node.startup = manual"))
    record.set_startup(fake.machine, path, "onboot")
    assert text(fake, path) == GOLDEN.replace("node.startup = automatic", "node.startup = onboot   ")
    assert file.stat().st_mode & 0o777 == 0o600


def test_startup_of_no_record_makes_none(fake: FakeMachine):
    record.set_startup(fake.machine, IscsiPath(Portal("10.0.0.9"), IQN, 1), "onboot")
    assert not list(record.database(fake.paths).iterdir())


def test_an_empty_record_is_none(fake: FakeMachine):
    path = write(fake)
    assert record.exists(fake.machine, path)
    record.location(fake.paths, path).write_text("")
    assert not record.exists(fake.machine, path)


def test_remove_takes_the_empty_folder_along_and_leaves_another_portal(fake: FakeMachine):
    path, other = write(fake), write(fake, host="fd00::1")
    record.remove(fake.machine, path)
    assert record.exists(fake.machine, other)
    record.remove(fake.machine, other)
    record.remove(fake.machine, other)
    assert not list(record.database(fake.paths).iterdir())


@pytest.mark.parametrize(
    ("seconds", "times"), [(60, Timeouts(5, 9)), (600, Timeouts(5, 96)), (5, Timeouts(2, 2)), (0, Timeouts(1, 1))]
)
def test_a_dead_portal_is_known_before_the_deadline(seconds, times):
    assert Timeouts.within(seconds) == times
    assert times.login_timeout * times.retries <= max(1, seconds)


def test_the_lock_is_open_iscsi_s_own(fake: FakeMachine):
    held = fake.root / "run/lock/iscsi/lock.write"
    with record.locked(fake.machine, Deadline.after(1, fake.clock)):
        assert held.exists()
        with pytest.raises(DeadlineExceeded), record.locked(fake.machine, Deadline.after(1, fake.clock)):
            pytest.fail("two hold it")
        assert held.exists(), "a lock that somebody else holds is not given back"
    assert not held.exists()


def test_a_file_s_old_content_is_there_until_the_new_one_is(fake: FakeMachine, monkeypatch):
    file = fake.write("etc/x", "old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(5, "I/O")))
    with pytest.raises(OSError, match="I/O"):
        files.write(file, "new")
    assert file.read_text() == "old"


def test_a_lock_that_a_killed_process_left_is_taken_over_where_no_iscsiadm_runs(fake: FakeMachine):
    held = fake.write("run/lock/iscsi/lock.write", "")
    fake.write("proc/77/comm", "iscsiadm\n")
    with pytest.raises(DeadlineExceeded), record.locked(fake.machine, Deadline.after(20, fake.clock)):
        pytest.fail("its owner still runs")
    fake.write("proc/77/comm", "iscsid\n")
    with record.locked(fake.machine, Deadline.after(20, fake.clock)):
        assert held.exists()
    assert not held.exists()
