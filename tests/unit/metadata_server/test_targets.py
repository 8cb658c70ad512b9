"""tgt's words: what it shows (recorded from 1.0.85), the request's bytes, and tgtadm's argv."""

import errno
import socket
import struct
from pathlib import Path

import pytest

from blockstore.errors import CommandFailed
from blockstore.run import Completed
from blockstore.secret import Secret
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import SeenConnection, SeenLun
from metadata_server.targets import tgt_show
from metadata_server.targets.tgt_request import Fault, Mode, Operation, Request, TgtError
from metadata_server.targets.tgt_socket import SocketControl, _packed
from metadata_server.targets.tgtadm import TgtadmControl, arguments

ACCOUNT = Request(Mode.ACCOUNT, Operation.NEW, parameters=(("user", "u"), ("password", Secret("hush"))))

SHOWN = """\
Target 1: iqn.2010-10.org.openstack:volume-1
    System information:
        Driver: iscsi
        State: ready
    I_T nexus information:
        I_T nexus: 2
            Initiator: iqn.2018-12.com.leftasexercise:a alias: none
            Connection: 0
                IP Address: 127.0.0.1
    LUN information:
        LUN: 0
            Type: controller
            SCSI ID: IET     00010000
            SCSI SN: beaf10
            Size: 0 MB, Block size: 1
            Online: Yes
            Removable media: No
            Prevent removal: No
            Readonly: No
            SWP: No
            Thin-provisioning: No
            Backing store type: null
            Backing store path: None
            Backing store flags: 
        LUN: 1
            Type: disk
            SCSI ID: 012345678901234567890123456789012345
            SCSI SN: 012345678901234567890123456789012345
            Size: 1074 MB, Block size: 512
            Online: Yes
            Removable media: No
            Prevent removal: No
            Readonly: Yes
            SWP: No
            Thin-provisioning: Yes
            Backing store type: rdwr
            Backing store path: /volumes/with: colon
            Backing store flags: 
    Account information:
        u1
        u2 (outgoing)
    ACL information:
        iqn.2018-12.com.leftasexercise:a
Target 2: iqn.2010-10.org.openstack:volume-2
    System information:
        Driver: iscsi
        State: ready
    I_T nexus information:
    LUN information:
    Account information:
    ACL information:
        ALL
"""  # noqa: W291


def test_what_tgtd_shows_is_read():
    first, second = tgt_show.targets(SHOWN).values()
    assert (first.key, first.accounts, first.outgoing) == (1, {"u1"}, "u2")
    assert first.luns == (SeenLun(1, "/volumes/with: colon", "012345678901234567890123456789012345", True, True, 1_074_000_000),)
    assert first.connections == (SeenConnection(2, 0, "iqn.2018-12.com.leftasexercise:a"),)
    assert (second.key, second.luns, second.accounts, second.access) == (2, (), frozenset(), {"ALL"})


@pytest.mark.parametrize(
    "text", ["what is this\n", "    LUN information:\n", "Target 1: x\n    Colour:\n        red\n", "Target one: x\n"]
)
def test_another_form_is_an_error(text):
    with pytest.raises(Unavailable, match="tgtd shows"):
        tgt_show.targets(text)


def test_a_lun_without_its_words_is_an_error():
    with pytest.raises(Unavailable, match="LUN 1"):
        tgt_show.targets("Target 1: x\n    LUN information:\n        LUN: 1\n            Type: disk\n")
    with pytest.raises(Unavailable, match=r"LUN 1 .*size '1 GB"):
        tgt_show.targets(SHOWN.replace("Size: 1074 MB", "Size: 1 GB"))


def test_a_target_that_is_offline_is_told_from_one_that_is_ready():
    first, second = tgt_show.targets(SHOWN.replace("State: ready", "State: offline", 1)).values()
    assert (first.ready, second.ready) == (False, True)


def test_portals_and_accounts():
    assert tgt_show.portals("Portal: 127.0.0.1:3260,1\nPortal: [::1]:3260,1\n\0") == ("127.0.0.1:3260", "[::1]:3260")
    assert tgt_show.accounts("Account list:\n    u2\n    u1\n") == {"u1", "u2"}
    with pytest.raises(Unavailable):
        tgt_show.portals("Door: 1\n")


def test_a_request_prints_no_secret():
    assert "hush" not in f"{ACCOUNT} {ACCOUNT!r} {TgtError(ACCOUNT, 14)}"
    assert ACCOUNT.payload() == "user=u,password=hush"


def test_the_bytes_of_a_request():
    request = Request(Mode.CONNECTION, Operation.DELETE, tid=3, lun=1, session=1 << 40, connection=7, force=True)
    packed = _packed(request)
    assert len(packed) == 120
    assert struct.unpack("=II64sIiQQIIIIII", packed) == (
        6, 1, b"iscsi".ljust(64, b"\0"), 120, 3, 1 << 40, 1, 7, 0, 0, 0, 0, 1,
    )  # fmt: skip
    packed = _packed(ACCOUNT)
    assert packed[120:] == b"user=u,password=hush\0"
    assert struct.unpack_from("=I", packed, 72) == (len(packed),)
    assert _packed(Request(Mode.TARGET, Operation.SHOW, tid=-1))[76:80] == b"\xff" * 4


@pytest.mark.parametrize(
    ("request_", "argv"),
    [
        (Request(Mode.TARGET, Operation.SHOW, tid=-1), "--lld iscsi --op show --mode target"),
        (ACCOUNT, "--lld iscsi --op new --mode account --user u --password hush"),
        (Request(Mode.ACCOUNT, Operation.BIND, tid=2, outgoing=True, parameters=(("user", "u"),)),
         "--lld iscsi --op bind --mode account --tid 2 --outgoing --user u"),
        (Request(Mode.LOGICALUNIT, Operation.NEW, tid=2, lun=1, parameters=(("path", "/v"), ("bstype", "rdwr"))),
         "--lld iscsi --op new --mode logicalunit --tid 2 --lun 1 --backing-store /v --bstype rdwr"),
        (Request(Mode.LOGICALUNIT, Operation.UPDATE, tid=2, lun=1, parameters=(("scsi_sn", "s"), ("path", "/v"))),
         "--lld iscsi --op update --mode logicalunit --tid 2 --lun 1 --params scsi_sn=s,path=/v"),
        (Request(Mode.TARGET, Operation.UPDATE, tid=2, parameters=(("state", "offline"),)),
         "--lld iscsi --op update --mode target --tid 2 --name state --value offline"),
        (Request(Mode.TARGET, Operation.DELETE, tid=2, force=True), "--lld iscsi --op delete --mode target --tid 2 --force"),
        (Request(Mode.CONNECTION, Operation.DELETE, tid=2, session=5),
         "--lld iscsi --op delete --mode connection --tid 2 --sid 5 --cid 0"),
        (Request(Mode.SYSTEM, Operation.DELETE), "--op delete --mode system"),
    ],
)  # fmt: skip
def test_tgtadms_argv(request_, argv):
    assert " ".join(arguments(request_, 3)) == f"tgtadm -C 3 {argv}"


def test_tgtadms_errors_have_the_sockets_names_and_no_secret():
    def failing(command, *, timeout):
        assert "hush" not in str(command)
        assert command.environment == {"TGT_IPC_SOCKET": "/base"}
        raise CommandFailed(str(command), 22, "", "tgtadm: can't find the account\n")

    with pytest.raises(TgtError) as caught:
        TgtadmControl("/base", 3, runner=failing).send(ACCOUNT)
    assert caught.value.code == Fault.NO_USER
    assert TgtadmControl("/base", 3, runner=lambda command, *, timeout: Completed(0, "text", "")).send(ACCOUNT) == "text"


def test_a_server_without_descriptors_says_that_it_cannot_ask(monkeypatch):
    def none_left(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "SocketType", none_left)
    with pytest.raises(Unavailable, match="cannot ask tgtd: Too many open files"):
        SocketControl(Path("/nowhere")).peer()
