"""The command: names or ids, JSON or tables, exit codes."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from blockstore.errors import CommandFailed
from testbed.server import ENVIRONMENT, ROOT, LocalServer
from tests.target.conftest import Scene, start_of


def run(server: LocalServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "metadata_server", "--state", str(server.state), *arguments]
    return subprocess.run(
        argv, capture_output=True, text=True, env={**ENVIRONMENT, "PATH": "/usr/bin:/bin"}, timeout=30, check=False
    )


def test_the_main_job_by_name(server: LocalServer, tmp_path: Path) -> None:
    user_data = tmp_path / "user-data"
    user_data.write_text("#cloud-config\nhostname: x\n")
    created = server.cli("instance", "create", "alpha", "--user-data", str(user_data))
    assert len(created["token"]) == 43
    volume = server.cli("volume", "create", "alpha-data", "--size", "2GiB", "--metadata", "blockstore.mount=/srv")
    assert (volume["size"], volume["status"], volume["metadata"]) == (2, "available", {"blockstore.mount": "/srv"})
    attachment = server.cli("attach", "alpha-data", "alpha", "--mode", "ro", "--mutual-chap")
    assert (attachment["status"], attachment["instance"], attachment["attach_mode"]) == ("reserved", created["id"], "ro")
    assert server.cli("seed", "alpha", "-o", str(tmp_path / "s.iso"))["documents"] == ["meta-data", "user-data", "vendor-data"]
    assert server.cli("volume", "show", volume["id"])["status"] == "reserved"
    assert server.cli("instance", "show", "alpha")["attachments"][0]["volume_id"] == volume["id"]
    assert "token" not in {key for key, value in server.cli("instance", "show", "alpha").items() if value}
    assert server.cli("detach", "alpha-data")["volume_status"] == "available"
    assert server.cli("volume", "extend", "alpha-data", "--size", "3")["size"] == 3
    server.cli("volume", "delete", "alpha-data")
    server.cli("instance", "delete", "alpha")
    with pytest.raises(CommandFailed, match="could not be found"):
        server.cli("instance", "show", "alpha")


def test_user_data_that_is_no_text_is_a_bad_call(server: LocalServer, tmp_path: Path) -> None:
    packed = tmp_path / "user-data.gz"
    packed.write_bytes(gzip.compress(b"#cloud-config\n"))
    said = run(server, "instance", "create", "packed", "--user-data", str(packed))
    assert said.returncode == 2
    assert f"{packed} is no text in UTF-8. Unpack what is compressed" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_ambiguous_name_lists_the_ids(server: LocalServer) -> None:
    ids = [server.create_volume("twin")["id"] for _ in range(2)]
    said = run(server, "volume", "show", "twin")
    assert said.returncode == 2
    assert all(each in said.stderr for each in ids)
    assert run(server, "volume", "show", ids[0]).returncode == 0


def test_exit_codes(server: LocalServer, scene: Scene) -> None:
    assert run(server, "volume", "list").returncode == 0
    assert run(server, "volume", "show", "no such").returncode == 1
    assert run(server, "volume", "create", "x", "--size", "much").returncode == 2
    assert run(server, "volume", "create", "x", "--size", "1GiB", "--metadata", "nothing").returncode == 2
    assert run(server, "nonsense").returncode == 2
    for bad in (("volume", "create", "x", "--size", "99999999"), ("instance", "create", "web 1"),
                ("instance", "create", "w", "--address", "x"), ("instance", "create", "w", "--initiator-name", "x")):  # fmt: skip
        assert run(server, *bad).returncode == 2, bad
    guest = scene.guest()
    volume, _ = scene.attached(guest)
    refused = run(server, "volume", "delete", volume)
    assert (refused.returncode, "is attached" in refused.stderr) == (1, True)
    assert run(server, "instance", "delete", guest.id).returncode == 1


def test_blank_is_not_for_volumes_of_our_own(server: LocalServer, scene: Scene) -> None:
    refused = run(server, "attach", scene.volume(), scene.guest().id, "--blank")
    assert (refused.returncode, "is for volumes that a Cinder owns" in refused.stderr) == (2, True)


def test_a_size_of_nothing_is_told_as_that(server: LocalServer) -> None:
    for size in ("0", "0MiB"):
        assert "a volume has 1 GiB at least" in run(server, "volume", "create", "x", "--size", size).stderr
    assert "1025MiB is not a whole number of GiB" in run(server, "volume", "create", "x", "--size", "1025MiB").stderr


def test_a_table_holds_whole_ids(server: LocalServer, scene: Scene) -> None:
    volume = scene.volume()
    assert volume in run(server, "volume", "list").stdout


def test_detach_gives_up_after_its_time_and_says_so_meanwhile(server: LocalServer, scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.connect(attachment)
    said = run(server, "detach", volume, "--timeout", "4")
    assert said.returncode == 1
    assert f"waiting until instance {guest.id} lets go" in said.stderr
    assert "waited 4 s" in said.stderr


def test_every_fault_of_a_configuration_at_once(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('state = "/a,b"\n[instance]\nlisten = "nowhere"\n[targets]\nportl = "x"\ncontrol = "telepathy"\n')
    argv = [sys.executable, "-m", "metadata_server", "serve", "--config", str(file)]
    said = subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=30, check=False)
    assert said.returncode == 2
    for path in ("state:", "instance.listen:", "targets.portl: unknown key; did you mean 'portal'?", "targets.control:"):
        assert path in said.stderr


def test_snapshots_by_name(server: LocalServer) -> None:
    volume = server.cli("volume", "create", "gamma", "--size", "1", "--type", "sparse")["id"]
    file = server.volume_file(volume)
    with file.open("r+b") as opened:
        opened.write(b"before")
    made = server.cli("snapshot", "create", "gamma", "gamma-1", "--metadata", "a=b")
    assert (made["status"], made["volume_id"], made["metadata"]) == ("available", volume, {"a": "b"})
    with file.open("r+b") as opened:
        opened.write(b"after!")
    copies = [server.cli("volume", "create", "copy", "--snapshot", "gamma-1")["id"]]
    copies += [server.cli("volume", "create", "clone", "--source", "gamma", "--size", "2")["id"]]
    assert [start_of(server.volume_file(each), 6) for each in copies] == [b"before", b"after!"]
    assert server.cli("snapshot", "revert", "gamma-1") == {"id": volume, "status": "available"}
    assert start_of(file, 6) == b"before"
    assert [each["name"] for each in server.cli("snapshot", "list", "--volume", "gamma")] == ["gamma-1"]
    assert server.cli("snapshot", "show", "gamma-1")["id"] == made["id"]
    second = server.cli("snapshot", "create", "gamma")["id"]
    server.cli("snapshot", "delete", second)
    server.cli("volume", "delete", "gamma", "--cascade")
    assert run(server, "snapshot", "show", "gamma-1").stderr == "blockstore-server: Snapshot gamma-1 could not be found.\n"
    assert run(server, "volume", "create", "none").returncode == 2


def test_the_readme_s_commands_work_as_they_stand(folder: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    lines = [line.strip() for line in text[text.index("Outside (") :].splitlines() if line.startswith("    ")]
    serve, *commands = (line.partition("#")[0].split() for line in lines if line.startswith("blockstore-server"))
    assert (lines[0].split()[:2], serve) == (["export", "BLOCKSTORE_STATE=DIR"], ["blockstore-server", "serve", "&"])
    environment = {**ENVIRONMENT, "BLOCKSTORE_STATE": str(folder)}
    with LocalServer(folder) as running:
        for _, *words in commands:
            argv = [sys.executable, "-m", "metadata_server", *words]
            subprocess.run(argv, env=environment, cwd=tmp_path, check=True, timeout=60)
        [attached] = running.cli("instance", "show", "web-1")["attachments"]
    assert attached["status"] == "reserved"
    assert b"http://10.0.2.2:" in (tmp_path / "web-1.iso").read_bytes()
    assert len(commands) == 5
