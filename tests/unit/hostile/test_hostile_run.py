"""The whole run over hostile attachments: what it leaves is ours, in its place, and says what was meant; the rest is refused."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore import connection_info
from blockstore.iscsi import IscsiConnection
from blockstore.reader import Faults, Reader
from cc_blockstore.bootstrap import Verdict
from cc_blockstore.machine import fstab, record
from tests.unit.hostile.hostility import EVILS, PLANTED, SCALARS, hostile, one_line
from tests.unit.hostile.instance import MINE, TOKEN, Instance, parsed

NUMBERS = itertools.count()
EVIL = st.sampled_from(EVILS)
# With surrogates, which no JSON from a real service can be without an escape; the rest as it comes.
IDS = st.sampled_from(["v1", "v2", "v3", "v4"]) | EVIL
PORTALS = (
    st.sampled_from(
        ["10.0.0.1", "10.0.0.1:3260,1", "[fd00::1]:3261", "fe80::1%eth0", "san.example", "fe80::1%../../x", "a/b", ".."]
    )
    | EVIL
)
PARTS = EVIL.filter(lambda text: "/" not in text) | st.sampled_from(
    ["data", "a b", "a\\b", "a'b", "a#b", "%41", "x-blockstore.volume=v1"]
)


EXTRA = st.dictionaries(st.sampled_from(["mode", "status", "x"]), SCALARS, max_size=1)
CREDENTIAL = EVIL.map(lambda text: f"{PLANTED}{text}.")
SPOILED: dict[str, st.SearchStrategy[Any]] = {
    "id": IDS, "identifier": IDS, "name": st.sampled_from(["v1", "v2-part1"]) | EVIL,
    "serial": st.sampled_from(["", "v1"]) | EVIL,
    "found": EVIL, "extra": EXTRA, "blockstore.mount": PARTS, "blockstore.label": EVIL, "blockstore.options": EVIL,
    "target_portal": PORTALS, "target_lun": st.sampled_from([0, -1, 99999]), "target_iqn": EVIL, "volume_id": st.just("v1"),
    "auth_username": CREDENTIAL, "auth_password": CREDENTIAL, "auth_username_in": CREDENTIAL, "auth_password_in": CREDENTIAL,
}  # fmt: skip


@st.composite
def volumes(draw: st.DrawFn) -> dict[str, Any]:
    """One attachment of the list, its connection_info, and what its target answers for its serial; little of it is bad, since
    the first bad word ends the story of a volume."""
    number = draw(st.integers(1, 4))
    bad = draw(st.sets(st.sampled_from(sorted(SPOILED)), max_size=2))

    def word(key: str, good: Any) -> Any:
        return draw(SPOILED[key]) if key in bad else good

    identifier = word("identifier", f"v{number}")
    serial = word("serial", identifier)
    connection = {
        "driver_volume_type": "iscsi", "target_portal": word("target_portal", "10.0.0.1"), "target_lun": word("target_lun", 1),
        "target_iqn": word("target_iqn", f"iqn.2010-10.org.openstack:volume-{number}"),
        "volume_id": word("volume_id", identifier), "auth_method": "CHAP",
        "auth_username": word("auth_username", "u"), "auth_password": word("auth_password", PLANTED),
    }  # fmt: skip
    if draw(st.booleans()):
        connection |= {key: word(key, f"{PLANTED}{key}") for key in ("auth_username_in", "auth_password_in")}
    metadata = {
        "blockstore.partition_table": "none", "blockstore.mount": word("blockstore.mount", f"p{number}"),
        "blockstore.label": word("blockstore.label", "l"), "blockstore.options": word("blockstore.options", "noatime"),
    }  # fmt: skip
    return {
        "id": word("id", f"a{number}"), "identifier": identifier, "serial": serial, "name": word("name", f"n{number}"),
        "connection": connection, "found": word("found", serial), "extra": word("extra", {}),
        "metadata": draw(st.sampled_from([metadata, metadata, {}])),
    }  # fmt: skip


def printable(value: Any) -> bool:
    try:
        json.dumps(value)
    except (ValueError, TypeError):
        return False
    return True


def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: list[dict[str, Any]]) -> Instance:
    folder = tmp_path / f"instance{next(NUMBERS)}"
    listed, connections, serials = [], {}, {}
    for each in found:
        metadata = dict(each["metadata"])
        if "blockstore.mount" in metadata:
            metadata["blockstore.mount"] = f"{folder}/srv/{metadata['blockstore.mount']}"
        volume = {"id": each["identifier"], "name": each["name"], "serial": each["serial"], "blank": True, "metadata": metadata}
        extra = each["extra"] if printable(each["extra"]) else {}
        listed.append({"id": each["id"], "status": "reserved", "volume": volume, **extra})
        connections[each["id"]] = each["connection"]
        serials[str(each["connection"]["target_iqn"])] = each["found"]
    return Instance(folder, monkeypatch, listed, connections, serials)


def meant(connections: dict[str, Any]) -> list[IscsiConnection]:
    """What the service's answers say, as far as they say anything."""
    found = [connection_info.parse(Reader(each, Faults())) for each in connections.values()]
    return [each for each in found if each is not None]


def check_records(one: Instance) -> None:
    """Each is in its place, and holds exactly what one of the answers meant."""
    right = {}
    for connection in meant(one.connections):
        path, chap = connection.paths[0], connection.chap
        credentials = {
            "node.session.auth.username": chap.username, "node.session.auth.password": chap.password.reveal(),
        } if chap else {}  # fmt: skip
        where = {"node.name": path.iqn, "node.conn[0].address": path.portal.host, "node.conn[0].port": str(path.portal.port)}
        right.setdefault(str(record.location(one.fake.paths, path)), []).append({**where, **credentials})
    nodes = record.database(one.fake.paths)
    for file in (path for path in nodes.rglob("*") if path.is_file()):
        values = parsed(file)
        known = {key: value for key, value in values.items() if key in ("node.name", "node.conn[0].address", "node.conn[0].port")}
        known |= {key: value for key, value in values.items() if key.endswith((".username", ".password"))}
        assert known in right[str(file)]
        assert values["node.startup"] in ("automatic", "onboot")
        assert values["iface.initiatorname"] == "iqn.2018-12.com.leftasexercise:i-1"
        assert file.stat().st_mode & 0o777 == 0o600


def check_links(one: Instance) -> None:
    for file in (one.fake.paths.state / "links").glob("*"):
        lines = file.read_bytes().split(b"\n")
        assert [line.partition(b"=")[0] for line in lines] == [b"BLOCKSTORE_ID", b"BLOCKSTORE_NAME", b""]


def check_fstab(one: Instance, mounted: int) -> None:
    text = one.fake.read("etc/fstab")
    lines = text.removeprefix(MINE).removesuffix("\n").split("\n")
    assert text.startswith(MINE), "what was there stays as it was"
    assert len([line for line in lines if line]) == mounted
    assert all(len(line.split()) == 6 for line in lines if line)


def check(one: Instance, verdict: Verdict) -> None:
    """Nothing is anywhere but in its place, and says what was meant; what is told is lines without a secret."""
    assert one.elsewhere() == []
    assert {path.name for path in one.folder.iterdir()} <= {"root", "srv"}
    check_records(one)
    check_links(one)
    healthy = [volume for volume in verdict.report.volumes if volume.result.value == "ok"]
    check_fstab(one, len([each for volume in healthy for each in volume.filesystems if each.mount]))
    assert {path.name for path in (one.fake.paths.state / "volumes").glob("*")} <= {f"v{number}.json" for number in range(30)} | {
        f"{name}.json" for name in EVILS if name.isalnum()
    }
    told = json.dumps(verdict.report.to_wire()) + verdict.warning + verdict.error
    assert PLANTED not in told
    assert TOKEN not in told
    assert one.fake.status() == verdict.report.to_wire()
    assert all(one_line(str(volume.to_wire()["reason"])) for volume in verdict.report.volumes)
    assert all(url.startswith("http://service/v1/") for url in one.service.urls)
    holding = [path for path, data in one.fake.files().items() if PLANTED.encode() in data]
    assert all(path.startswith("etc/iscsi/nodes/") for path in holding)
    assert not [command for command in one.runner.ran if PLANTED in " ".join(command.argv)]


@hostile(40)
@given(found=st.lists(volumes(), min_size=1, max_size=4))
def test_whatever_the_service_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: list[dict[str, Any]]):
    one = instance(tmp_path, monkeypatch, found)
    check(one, one.run())


GOOD: dict[str, Any] = {
    "id": "a1", "identifier": "v1", "serial": "v1", "name": "data", "found": "v1", "extra": {},
    "metadata": {"blockstore.partition_table": "none", "blockstore.mount": "data"},
    "connection": {"driver_volume_type": "iscsi", "target_portal": "10.0.0.1", "target_iqn": "iqn.2010-10.o:v1", "target_lun": 1},
}  # fmt: skip
CHAP: dict[str, Any] = {"auth_method": "CHAP", "auth_username": "u", "auth_password": PLANTED}
LINES = [text for text in EVILS if not text.isprintable() and len(text) < 100] + [
    "a\u00a0b",
    "{{ 7 * 7 }}",
    "%s%n",
    "../x",
    "a#b",
    "\\n",
]


@pytest.mark.parametrize(
    "key",
    ["name", "found", "blockstore.mount", "blockstore.options", "auth_username", "auth_password", "target_portal", "target_iqn"],
)
def test_what_would_end_a_line_or_leave_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str):
    """One volume for each such text, in one run; and one that is as it should be."""
    found = []
    for number, text in enumerate(["good", *LINES]):
        name, bad = f"v{number}", text != "good"
        metadata = {**GOOD["metadata"], "blockstore.mount": name}
        connection = {**GOOD["connection"], **CHAP, "target_iqn": f"iqn.2010-10.o:{name}"}
        each = {**GOOD, "id": f"a{number}", "identifier": name, "serial": name, "found": name, "name": f"n{number}"}
        if key == "found" and bad:
            each["serial"] = ""
        part = metadata if key.startswith("blockstore.") else connection if key in connection else each
        if bad:
            part[key] = f"{PLANTED}{text}." if key == "auth_password" else text
        found.append({**each, "metadata": metadata, "connection": connection})
    one = instance(tmp_path, monkeypatch, found)
    verdict = one.run(deadline=3600)
    check(one, verdict)
    assert next(each for each in verdict.report.volumes if each.id == "v0").reason == ""


@pytest.mark.parametrize(
    "text", ["data", "a b", "a\\b", "a'b", "a#b", "%41", "ä", "{{ 7 * 7 }}", "UUID=1 / ext4 defaults 0 0".replace("/", "")]
)
def test_a_mount_point_and_a_name_of_any_kind_come_up_and_go_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    one = instance(tmp_path, monkeypatch, [{**GOOD, "name": text, "metadata": {**GOOD["metadata"], "blockstore.mount": text}}])
    verdict = one.run()
    assert [each.reason for each in verdict.report.volumes] == [""]
    check_fstab(one, 1)
    check_links(one)
    assert [path.name for path in (one.folder / "srv").iterdir()] == [text]
    fstab.update(one.fake.machine, {"v1": ()})
    assert one.fake.read("etc/fstab") == MINE


def test_two_volumes_that_are_said_to_be_one_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither has a serial: only the path could tell them apart."""
    bare = {**GOOD, "serial": "", "found": ""}
    other = {
        **bare,
        "id": "a2",
        "identifier": "v2",
        "name": "other",
        "metadata": {**GOOD["metadata"], "blockstore.mount": "other"},
    }
    one = instance(tmp_path, monkeypatch, [bare, other])
    reasons = {each.id: each.reason for each in one.run().report.volumes}
    assert reasons["v1"] == ""
    assert "which is volume v1" in reasons["v2"]
    assert [command.argv[0] for command in one.runner.ran].count("mkfs.ext4") == 1


def test_a_connection_of_another_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one = instance(tmp_path, monkeypatch, [{**GOOD, "connection": {**GOOD["connection"], "volume_id": "v2"}}])
    [volume] = one.run().report.volumes
    assert "that of another volume, v2" in volume.reason
    assert one.runner.ran == []


@hostile(15)
@given(data=st.binary(max_size=200) | st.sampled_from([b"{", b"null", b"[" * 5000, b'{"version": 1}']))
def test_broken_files_of_an_earlier_run_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes):
    one = instance(tmp_path, monkeypatch, [GOOD])
    for name in ("var/lib/blockstore/volumes/v1.json", "var/lib/blockstore/links/v1", "run/blockstore/status.json",
                 "var/lib/blockstore/making/v1", "etc/iscsi/initiatorname.iscsi"):  # fmt: skip
        one.fake.write(name, data)
    verdict = one.run()
    assert [(each.result.value, each.reason) for each in verdict.report.volumes] == [("ok", "")]
    assert one.fake.status() == verdict.report.to_wire()
