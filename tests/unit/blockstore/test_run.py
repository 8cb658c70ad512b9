"""The one runner: masked everywhere, a clean environment, an end in time. The only unit test with real processes."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

import pytest

from blockstore.errors import CommandFailed, CommandTimedOut
from blockstore.run import ENVIRONMENT, Command, launch, run, start
from blockstore.secret import MASK, Secret

pytestmark = pytest.mark.real_processes

PLANTED = "Plant3dS3cret"


def shell(script: str, *arguments: str, **more: object) -> Command:
    return Command(("/bin/sh", "-c", script, "sh", *arguments), **more)  # type: ignore[arg-type]


def test_output_and_code_come_back_separately():
    done = run(shell("echo out; echo err >&2; exit 3", ok=(0, 3)), timeout=5)
    assert (done.code, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_a_code_that_is_not_accepted_is_an_error_with_all_it_said():
    with pytest.raises(CommandFailed, match=r"ended with 3: first; last$") as raised:
        run(shell("echo first >&2; echo last >&2; exit 3"), timeout=5)
    assert raised.value.code == 3


def test_the_environment_is_clean(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_CALLER", PLANTED)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    said = dict(line.split("=", 1) for line in run(Command(("env",)), timeout=5).stdout.splitlines())
    assert said == ENVIRONMENT
    more = run(Command(("env",), environment={"ONE_MORE": "1"}), timeout=5).stdout
    assert "ONE_MORE=1\n" in more


def test_standard_input_is_the_given_text_or_nothing():
    assert run(Command(("cat",), input="label: gpt\n"), timeout=5).stdout == "label: gpt\n"
    assert run(Command(("cat",)), timeout=5).stdout == ""


def test_secrets_are_masked_in_log_output_error_and_repr(caplog):
    caplog.set_level(logging.DEBUG)
    command = shell('echo "$1"; echo "e $1" >&2; exit 1', PLANTED, secrets=(Secret(PLANTED),))
    with pytest.raises(CommandFailed) as raised:
        run(command, timeout=5)
    error = raised.value
    told = [str(error), repr(error), error.command, error.stdout, error.stderr, caplog.text, str(command), repr(command)]
    assert not [text for text in told if PLANTED in text]
    assert error.stdout == f"{MASK}\n"
    assert MASK in caplog.text


def test_output_that_is_no_text_does_not_break_anything():
    assert run(shell(r"printf 'a\377b'"), timeout=5).stdout == "a�b"


def test_past_its_time_a_program_is_terminated_and_may_clean_up(tmp_path):
    mark = tmp_path / "cleaned"
    begun = time.monotonic()
    with pytest.raises(CommandTimedOut, match="did not end within 0 s") as raised:
        run(shell('trap "echo bye; : > $1; exit 0" TERM; while :; do sleep 0.05; done', str(mark)), timeout=0.3)
    assert mark.exists()
    assert raised.value.stdout == "bye\n"
    assert time.monotonic() - begun < 2


STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def test_a_program_that_ignores_it_is_killed_after_its_grace(monkeypatch):
    monkeypatch.setattr("blockstore.run.GRACE_SECONDS", 0.5)
    begun = time.monotonic()
    with pytest.raises(CommandTimedOut):
        run(Command((sys.executable, "-S", "-c", STUBBORN)), timeout=0.5)
    assert 1 < time.monotonic() - begun < 5


def test_a_grandchild_with_the_pipes_open_does_not_hold_it_up(monkeypatch):
    monkeypatch.setattr("blockstore.run.GRACE_SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(CommandTimedOut):
        run(shell("sleep 6 & wait"), timeout=0.2)
    assert time.monotonic() - begun < 5


def test_a_daemon_writes_to_its_own_log_for_its_owner_only(tmp_path: Path):
    log = tmp_path / "log"
    daemon = start(shell("echo begun; exec sleep 60"), log=log)
    try:
        while log.read_text() != "begun\n":
            time.sleep(0.01)
        assert log.stat().st_mode & 0o777 == 0o600
        assert os.getsid(daemon.pid) == daemon.pid
    finally:
        daemon.terminate()
        assert daemon.wait(5) == -15


def test_what_is_launched_is_not_waited_for_and_leaves_no_zombie(tmp_path: Path):
    begun = time.monotonic()
    launch(shell(f"sleep 0.5; echo $$ >{tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid"))
    assert time.monotonic() - begun < 0.4
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    while Path(f"/proc/{int((tmp_path / 'pid').read_text())}").exists():
        time.sleep(0.01)
