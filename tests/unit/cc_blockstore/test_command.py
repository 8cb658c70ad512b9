"""The command: exit codes 0, 1 and 2, machine-readable output, no traceback."""

from __future__ import annotations

import json

import pytest

from blockstore import __version__
from blockstore.errors import ServiceDenied, ServiceError, ServiceUnreachable
from blockstore.report import Report, Result, VolumeReport
from cc_blockstore import bootstrap, cloud, command, planning, status
from cc_blockstore.bootstrap import Verdict
from tests.unit.fakes import FakeMachine

PLANTED = "Plant3dS3cret"
WELL = Report("i-1", "iqn", "now", 1, (VolumeReport("v1", "data", Result.OK, device="/dev/sda"),))
UNWELL = Report("i-1", "iqn", "now", 1, (VolumeReport("v1", "data", Result.REFUSED, reason="found data"),))


@pytest.fixture(autouse=True)
def machine(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Machine", lambda: fake.machine)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    cfg: dict[str, object] = {}
    monkeypatch.setattr(cloud, "load", lambda: (cfg, None))
    monkeypatch.setattr(cloud, "metadata", lambda _: {})
    monkeypatch.setattr(cloud, "instance_id", lambda _: "i-1")
    return cfg


@pytest.mark.parametrize(("text", "code"), [
    ("#cloud-config\nblockstore: {endpoint: http://a}\n", 0), ("endpoint: http://a\n", 0), ("", 0),
    ("endpiont: http://a\ndeadline: 1\n", 2), ("[1]\n", 2), (f"token: *{PLANTED}\n", 2), ("{", 2),
])  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
def test_validate(tmp_path, capsys, text, code, as_json):
    file = tmp_path / "user-data"
    file.write_text(text)
    assert command.main(["validate", str(file), *(["--json"] if as_json else [])]) == code
    out, err = capsys.readouterr()
    assert err == ""
    assert PLANTED not in out
    if as_json:
        assert bool(json.loads(out)["faults"]) is bool(code)


def test_validate_names_every_fault(tmp_path, capsys):
    (tmp_path / "x").write_text("endpiont: http://a\ndeadline: 1\n")
    command.main(["validate", str(tmp_path / "x")])
    assert capsys.readouterr().out.splitlines() == [
        "endpiont: unknown key; did you mean 'endpoint'?", "deadline: must be from 5 to 3600, not 1",
    ]  # fmt: skip


def test_validate_of_what_cannot_be_read(tmp_path, capsys):
    (tmp_path / "x").write_bytes(b"\xff")
    for name in ("x", "none", "."):
        assert command.main(["validate", str(tmp_path / name)]) == 2
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("call", [[], ["no"], ["validate"], ["plan", "x"]])
def test_a_bad_call(call, capsys):
    with pytest.raises(SystemExit) as raised:
        command.main(call)
    assert raised.value.code == 2


def test_version(capsys):
    with pytest.raises(SystemExit) as raised:
        command.main(["--version"])
    assert (raised.value.code, capsys.readouterr().out) == (0, f"blockstore {__version__}\n")


@pytest.mark.parametrize(("report", "code"), [(WELL, 0), (UNWELL, 1)])
def test_status(fake: FakeMachine, capsys, report, code):
    status.write(fake.machine, report)
    assert command.main(["status", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == report.to_wire()
    assert command.main(["status"]) == code
    assert "data" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"), [(None, "no run since this machine started"), *((text, "cannot be understood") for text in ("", "{", "[]"))]
)
def test_status_before_any_run_and_where_its_file_is_broken(fake: FakeMachine, capsys, text, told):
    if text is not None:
        fake.write("run/blockstore/status.json", text)
    assert command.main(["status"]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(("report", "code"), [(WELL, 0), (UNWELL, 1)])
def test_apply(host, monkeypatch, capsys, report, code):
    monkeypatch.setattr(bootstrap, "run", lambda *_: Verdict(report))
    assert command.main(["apply", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == report.to_wire()


def test_plan_changes_nothing_and_a_bad_document_ends_with_2(fake: FakeMachine, host, capsys):
    host["blockstore"] = {"attachments": [{"volume": {"id": "v1", "name": "data"}, "connection_info": {
        "driver_volume_type": "iscsi", "target_portal": "10.0.0.1", "target_iqn": "iqn.2010-10.org.openstack:v", "target_lun": 1,
    }}], "volumes": {"data": {"mount": "/srv/data"}}}  # fmt: skip
    before = fake.files()
    assert command.main(["plan", "--json"]) == 0
    assert fake.files() == before
    [step] = json.loads(capsys.readouterr().out)["steps"]
    assert (step["volume"], step["step"], step["verb"]) == ("data", "login", "do")
    host["blockstore"] = {"endpoint": 1, "x": 2}
    assert command.main(["plan"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert command.main(["plan", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["steps"], len(told["remarks"])) == ([], 2)


class Mute:
    def __init__(self, error: ServiceError) -> None:
        self.error = error

    def attachments(self, deadline: object) -> None:
        raise self.error


@pytest.mark.parametrize("error", [ServiceUnreachable("no answer"), ServiceDenied(401, "no answer")])
def test_a_plan_that_knows_of_no_volume_is_exit_1(host, monkeypatch, capsys, error):
    monkeypatch.setattr(planning, "client_of", lambda *_: Mute(error))
    host["blockstore"] = {"endpoint": "http://a"}
    assert command.main(["plan"]) == 1
    assert capsys.readouterr().err == "blockstore: no answer\n"


def test_a_plan_names_what_is_required_and_cannot_be_listed(host, monkeypatch, capsys):
    monkeypatch.setattr(planning, "client_of", lambda *_: Mute(ServiceUnreachable("no answer")))
    host["blockstore"] = {"endpoint": "http://a", "volumes": {"data": {"required": True}}}
    assert command.main(["plan", "--json"]) == 1
    [step] = json.loads(capsys.readouterr().out)["steps"]
    assert (step["volume"], step["verb"], step["why"]) == ("data", "refuse", "required, but no answer")


@pytest.mark.parametrize("call", ["plan", "apply"])
def test_where_nothing_is_named_it_is_said(host, capsys, call):
    assert command.main([call]) == 0
    assert "nothing to do: no blockstore document names a metadata service or attachments" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "told"), [
    ("#cloud-config\npackages: []\nblockstor: {}\n", "is a cloud-config without 'blockstore:'; is 'blockstor' meant to be it?"),
    ("#cloud-config\npackages: []\n", "is a cloud-config without 'blockstore:'"),
    ("#cloud-config\nvolumes: {}\n", "is a cloud-config without 'blockstore:'"),
    ("#cloud-config\n", "is a cloud-config without 'blockstore:'"),
    ("[1]\n", "must be a mapping, not a list"), ("text\n", "must be a mapping, not a text"),
])  # fmt: skip
def test_validate_says_what_kind_of_file_it_is_not(tmp_path, capsys, text, told):
    (tmp_path / "x").write_text(text)
    assert command.main(["validate", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().out == f"{tmp_path / 'x'}: {told}\n"
