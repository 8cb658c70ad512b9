"""The systemd unit: what it closes is measured, and the server and its target daemon need none of it."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from blockstore.render import render
from testbed.server import LocalServer

# systemd-analyze security: 0 is closed, 10 is open. docs/security.md names this figure.
EXPOSURE = 1.2
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
WITHOUT_WRITABLE_CODE = (
    "import ctypes, os, sys; "
    f"done = ctypes.CDLL(None, use_errno=True).prctl({PR_SET_MDWE}, {PR_MDWE_REFUSE_EXEC_GAIN}, 0, 0, 0); "
    "sys.exit(77) if done else os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    path = tmp_path / "blockstore-server.service"
    words = {"program": "/usr/bin/env", "user": "daemon", "configuration": "/etc/blockstore-server/server.toml"}
    path.write_text(render("server/blockstore-server.service.j2", **words))
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert shutil.which("systemd-analyze"), "apt install systemd"
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_its_exposure_is_no_more_than_is_said(unit: Path) -> None:
    done = analyze("security", "--offline=yes", f"--threshold={EXPOSURE * 10:.0f}", "--no-pager", unit)
    found = re.search(r"exposure level for blockstore-server.service: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= EXPOSURE, done.stdout
    assert done.returncode == 0
    assert f"**{EXPOSURE}**" in (Path(__file__).parents[2] / "docs/security.md").read_text()


def test_an_open_unit_is_found_out(unit: Path) -> None:
    unit.write_text(re.sub(r"(?m)^(Protect|Private|Restrict|SystemCall|Capability).*\n", "", unit.read_text()))
    assert analyze("security", "--offline=yes", f"--threshold={EXPOSURE * 10:.0f}", unit).returncode != 0


def test_systemd_knows_every_word_of_it(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert "blockstore-server.service" not in done.stderr, done.stderr


def test_server_and_target_daemon_do_without_writable_code(tmp_path: Path) -> None:
    # MemoryDenyWriteExecute= as the kernel has it since 6.3 (prctl(2) PR_SET_MDWE): kept over exec, for tgtd as well.
    if ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:  # PR_GET_MDWE
        pytest.skip("this kernel is older than Linux 6.3")
    with LocalServer(tmp_path / "state", prefix=(sys.executable, "-c", WITHOUT_WRITABLE_CODE)) as server:
        for pid in (server.pid, server.tgtd_pid):
            assert not [line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "wx" in line.split()[1]]
        server.create_volume("data")
        instance = server.create_instance("web")
        assert server.attach("data", instance["id"])["status"] == "reserved"
