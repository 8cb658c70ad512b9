"""The command: exit codes 0, 1 and 2, machine-readable output, no traceback."""

from __future__ import annotations

import json

import pytest

from blockstore import __version__
from blockstore.report import Report, Result, VolumeReport
from cc_blockstore import bootstrap, cloud, command, status
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


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_status_before_any_run(fake: FakeMachine, capsys, text):
    if text is not None:
        fake.write("run/blockstore/status.json", text)
    assert command.main(["status"]) == 1
    assert "no run" in capsys.readouterr().err


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
