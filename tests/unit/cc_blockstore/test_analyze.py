"""`blockstore analyze`: the exit code, the picture, what the terminal can."""

from __future__ import annotations

import io
import json
import os
import shutil

import pytest

from blockstore.report import Report
from cc_blockstore import analyze, command, status
from tests.unit.boots import report, volume
from tests.unit.fakes import FakeMachine

SHOW = ("systemctl", "show", "--timestamp=us+utc", ..., "--")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def known(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "Machine", lambda: fake.machine)

    def known(found: Report) -> None:
        status.write(fake.machine, found)
        fake.runner.expect(*SHOW, stdout="UserspaceTimestampMonotonic=2000000\n")
        units = len([each for volume in found.volumes for each in volume.filesystems]) + 7
        fake.runner.expect(*SHOW, *[...] * units)

    return known


def test_json_and_picture(known, tmp_path, capsys):
    known(report(volume("data", 1900, 100)))
    assert command.main(["analyze", "--json", "--svg", str(tmp_path / "boot.svg")]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 1
    assert (tmp_path / "boot.svg").read_text().startswith("<svg ")


def test_a_volume_that_failed_is_exit_1(known, capsys):
    known(report(volume("data", 1900, failed="no answer")))
    assert command.main(["analyze"]) == 1
    assert "login" in capsys.readouterr().out


def test_a_picture_that_cannot_be_written_is_told(known, tmp_path, capsys):
    known(report())
    assert command.main(["analyze", "--svg", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"blockstore: the picture cannot be written to {tmp_path}: Is a directory\n"


def test_without_systemd_it_is_a_note(fake: FakeMachine, monkeypatch, capsys):
    monkeypatch.setattr(command, "Machine", lambda: fake.machine)
    fake.runner.expect(*SHOW, code=1, stderr="System has not been booted with systemd as init system")
    assert command.main(["analyze"]) == 0
    assert "Note: systemd could not be asked" in capsys.readouterr().out


def test_a_terminal_gets_colours_unless_they_are_not_wanted(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert analyze.style(Terminal()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not analyze.style(Terminal()).colour


def test_a_pipe_gets_none_and_80_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    found = analyze.style(io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert (found.width, found.full, found.colour) == (80, "#", False)
