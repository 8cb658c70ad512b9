"""The testbed itself: a guest of each release boots with a static seed and keeps its disk through a power cut."""

import json
from pathlib import Path

import pytest

from testbed.guest import File
from testbed.image import SUITES
from testbed.seed import StaticSeed

pytestmark = pytest.mark.newest

VERSIONS = {"bookworm": "22.4.", "trixie": "25.1."}


@pytest.mark.parametrize("suite", SUITES)
def test_a_guest_keeps_its_disk_through_a_power_cut(suite, new_guest, tmp_path: Path) -> None:
    iso = StaticSeed(hostname="probe").write(tmp_path / "seed.iso")
    injected = {"/etc/testbed/one": b"injected\n", "/usr/local/bin/two": File(b"#!/bin/sh\necho two\n", 0o755)}
    guest = new_guest(suite, seed_iso=iso, injected=injected, datasources=["NoCloud", "None"])

    guest.start()
    first = guest.wait_booted()
    result = json.loads(guest.read("/run/cloud-init/result.json"))
    assert result["v1"]["errors"] == []
    assert "NoCloud" in result["v1"]["datasource"]
    assert VERSIONS[suite] in guest.run("cloud-init --version 2>&1").stdout
    assert guest.run("hostname").stdout == "probe\n"
    assert guest.read("/etc/testbed/one") == b"injected\n"
    assert guest.run(["/usr/local/bin/two"]).stdout == "two\n"
    assert "/var/log/cloud-init.log" in guest.collect()
    assert guest.run("exit 7", check=False).code == 7

    guest.write("/root/kept", b"kept", 0o600)
    guest.power_cut()
    assert guest.read_disk("/root/kept") == b"kept"
    print(f"{suite}: booted in {first.seconds:.1f} s")
