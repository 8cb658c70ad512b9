"""A whole instance made of files, whose service and targets answer what the test wants; every program does what it should."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter

from blockstore.errors import CommandFailed
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.run import Command, Completed
from blockstore.secret import Secret
from cc_blockstore import bootstrap
from cc_blockstore.bootstrap import Verdict
from cc_blockstore.client import MetadataClient
from tests.unit.fakes import FakeClock, FakeMachine, FakeRunner

TOKEN = "Plant3dT0ken"
MINE = "# mine\nUUID=1 / ext4 defaults 0 1\n"
# What the kernel, udev and mount(8) make in a real machine, and the fakes here.
OTHERS = ("sys/", "proc/", "dev/", "run/udev/")
OURS = ("etc/iscsi/", "var/lib/blockstore/", "run/blockstore/", "run/lock/iscsi/")


class Service(BaseAdapter):
    """The metadata service: a list, and a connection_info for each attachment."""

    def __init__(self, listed: list[Any], connections: dict[str, Any]) -> None:
        super().__init__()
        self.listed, self.connections, self.urls, self.reports = listed, connections, [], []  # type: ignore[var-annotated]

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.urls.append(str(request.url))
        name = str(request.url).rpartition("/")[2]
        answer: object = {}
        if name == "attachments":
            answer = {"attachments": self.listed}
        elif name == "report":
            self.reports.append(json.loads(request.body or b""))
        elif request.method == "PUT":
            answer = {"attachment": {"connection_info": self.connections.get(name)}}
        response = requests.Response()
        response.status_code, response.url, response.request = 200, str(request.url), request
        response.raw = io.BytesIO(json.dumps(answer).encode())
        return response

    def close(self) -> None:
        """Nothing is open."""


class Programs(FakeRunner):
    """Runs nothing, and answers as the programs do where all is well; a disk has the serial that its target was given."""

    def __init__(self, serials: dict[str, str], luns: dict[str, int]) -> None:
        super().__init__()
        self.serials, self.luns, self.fake, self.sessions = serials, luns, None, 0  # type: ignore[var-annotated]

    def __call__(self, command: Command, *, timeout: float) -> Completed:
        self.ran.append(command)
        name, argv = command.argv[0], command.argv
        code = 0
        if argv[:4] == ("iscsiadm", "-m", "node", "--loginall=onboot"):
            self._log_in()
        elif name == "blkid":
            code = 2
        elif name.startswith("mkfs."):
            self.fake.udev(Path(argv[-1]).name, ID_FS_TYPE=name[5:], ID_FS_UUID="0-0")
        elif name == "mount":
            self._mount(argv[-2], argv[-1])
        elif name != "wipefs":
            raise CommandFailed(str(command), 1, "", "")
        if code not in command.ok:
            raise CommandFailed(str(command), code, "", "")
        return Completed(code, "", "")

    def _mount(self, node: str, point: str) -> None:
        """One more line of mountinfo, at once for all threads that read it."""
        escaped = point.replace("\\", "\\134").replace(" ", "\\040")
        file = self.fake.root / "proc/self/mountinfo"
        with self._guard:
            new = file.with_name("new")
            new.write_text(file.read_text() + f"40 22 0:99 / {escaped} rw,relatime - ext4 {node} rw\n")
            new.rename(file)

    def _log_in(self) -> None:
        for record in self.fake.root.glob("etc/iscsi/nodes/*/*/default"):
            values = parsed(record)
            if values["node.startup"] == "onboot":
                self.sessions += 1
                iqn = values["node.name"]
                path = IscsiPath(
                    Portal(values["node.conn[0].address"], int(values["node.conn[0].port"])), iqn, self.luns.get(iqn, 1)
                )
                session = self.fake.session(path, self.sessions)
                self.fake.lun(session, f"sd{chr(96 + self.sessions)}", path.lun, serial=self.serials.get(iqn, ""))


def parsed(record: Path) -> dict[str, str]:
    """A node record as idbm_recinfo_config of open-iscsi reads it: a line a value; a key that is there twice is no record."""
    found: dict[str, str] = {}
    for line in record.read_bytes().decode().split("\n"):
        if line and not line.startswith("#"):
            key, separator, value = line.partition(" = ")
            assert separator, line
            assert re.fullmatch(r"[a-z0-9_.\[\]]+", key), line
            assert key not in found, f"{key} twice"
            found[key] = value.rstrip()
    return found


class Instance:
    """One run, and what it left."""

    def __init__(
        self, folder: Path, monkeypatch: Any, listed: list[Any], connections: dict[str, Any], serials: dict[str, str]
    ) -> None:
        luns = {c.get("target_iqn"): c.get("target_lun") for c in connections.values() if isinstance(c.get("target_lun"), int)}
        self.runner = Programs({k: v for k, v in serials.items() if v.isascii()}, luns)
        self.folder, self.fake = folder, FakeMachine(folder / "root", self.runner, FakeClock())
        self.runner.fake = self.fake
        self.fake.write("etc/fstab", MINE)
        self.service, self.connections = Service(listed, connections), connections
        client = MetadataClient("http://service", Secret(TOKEN))
        client._session().mount("http://", self.service)
        monkeypatch.setattr(bootstrap, "client_of", lambda document, machine: client)
        monkeypatch.setattr("cc_blockstore.machine.connector.facing", lambda host: "")
        self.before = self.paths()

    def paths(self) -> set[str]:
        """Everything below the root."""
        return {str(path.relative_to(self.fake.root)) for path in self.fake.root.rglob("*")}

    def run(self, deadline: int = 5) -> Verdict:
        """The whole of it, as at boot. The sleep of each thread moves the clock for all of them."""
        document = {"endpoint": "http://service", "token": TOKEN, "deadline": deadline}
        return bootstrap.run(self.fake.machine, {"blockstore": document}, {}, "i-1")

    def elsewhere(self) -> list[str]:
        """What appeared outside of our own folders."""
        new = [f"{path}/" if (self.fake.root / path).is_dir() else path for path in self.paths() - self.before]
        return [path for path in new if not path.startswith((*OURS, *OTHERS)) and not any(own.startswith(path) for own in OURS)]
