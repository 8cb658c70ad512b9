"""A guest that serves volumes: LVM under it, our server as its systemd unit, LIO above; and how it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from testbed.guest import ADDRESS, HOST, Disk, File, Guest
from testbed.link import Plug
from testbed.seed import STATIC_NETWORK

ADDRESSES = ("10.9.0.1", "10.9.0.2")  # of the storage guest and of the instance, on the cable between them
LVM_CONF = "/etc/lvm/lvm.conf"
CONFIGURATION = f"""\
[instance]
listen = "{ADDRESSES[0]}:8775"
endpoint = "http://{ADDRESSES[0]}:8775"
[volumes]
backend = "lvm"
group = "vg"
pool = "pool"
[targets]
driver = "lio"
portal = "{ADDRESSES[0]}:3260"
"""
MODULES = "dm_thin_pool\ntarget_core_mod\ntarget_core_iblock\ntarget_core_file\niscsi_target_mod\n"
# The packaged unit with the packaged drop-in, and a server that dies before the step that /run/kill-at names.
KILLABLE = """\
import os, signal, sys
sys.path.insert(0, "/usr/share/blockstore-server")
from pathlib import Path
from metadata_server import serving
serve, at = serving.serve, Path("/run/kill-at")
def observe(step):
    if at.exists() and at.read_text() == step:
        at.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
serving.serve = lambda configuration, **words: serve(configuration, **{**words, "observe": observe})
from metadata_server.command import main
sys.exit(main())
"""
ASKING = """\
import json, sys, time
sys.path.insert(0, "/usr/share/blockstore-server")
from pathlib import Path
from metadata_server.command.client import Client
client = Client(Path("/var/lib/blockstore-server"))

def settled(kind, identifier):
    "A volume or snapshot whose job is over."
    under_way = ("creating", "extending", "reverting", "restoring")
    while (found := client.get(f"/v3/{kind}s/{identifier}")[kind])["status"] in under_way:
        time.sleep(0.2)
    return found

def make(**wish):
    "The id of a new volume that is ready."
    made = client.post("/v3/volumes", {"volume": wish})["volume"]["id"]
    assert settled("volume", made)["status"] == "available"
    return made

def act(identifier, **action):
    "What a volume is after an action of Cinder's."
    client.post(f"/v3/volumes/{identifier}/action", {name.replace("_", "-"): words for name, words in action.items()})
    return settled("volume", identifier)

def attach(volume, instance, **words):
    "Reserve it."
    client.post("/v3/attachments", {"attachment": {"volume_uuid": volume, "instance_uuid": instance, **words}})
"""
_LONG = 300.0  # seconds: emulated, on a machine that others use
DROP_INS = "/etc/systemd/system/blockstore-server.service.d"


def network(*addresses: str) -> bytes:
    """A file of networkd for one card."""
    card, address = addresses
    lines = ("[Match]", f"Name={card}", "[Network]", f"Address={address}/24", "LinkLocalAddressing=no", "IPv6AcceptRA=no")
    return ("\n".join(lines) + "\n").encode()


def options(plug: Plug, disk: Path) -> dict[str, Any]:
    """What a `Guest` must be told to become one; ``disk`` is for the volume group."""
    return {
        "plug": plug, "disks": [Disk(disk, "group")],
        "injected": {
            "/etc/systemd/network/10-eth0.network": network("eth0", ADDRESS),
            "/etc/systemd/network/10-eth1.network": network("eth1", ADDRESSES[0]),
            "/etc/modules-load.d/blockstore-server.conf": MODULES.encode(),
            "/etc/blockstore-server/server.toml": File(CONFIGURATION.encode(), 0o600),
            "/usr/local/lib/killable": KILLABLE.encode(), "/usr/local/lib/asking.py": ASKING.encode(),
            f"{DROP_INS}/killable.conf":
                b"[Service]\nExecStart=\nExecStart=/usr/bin/python3 /usr/local/lib/killable serve"
                b" --config /etc/blockstore-server/server.toml\nTimeoutStartSec=300\n",
        },
    }  # fmt: skip


def instance_network() -> dict[str, Any]:
    """An instance's network: the host as always, and the cable."""
    cable = {"dhcp4": False, "dhcp6": False, "accept-ra": False, "addresses": [f"{ADDRESSES[1]}/24"]}
    assert HOST in json.dumps(STATIC_NETWORK)
    return {**STATIC_NETWORK, "ethernets": {**STATIC_NETWORK["ethernets"], "eth1": cable}}


class Storage:
    """The running guest."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def make_pool(self) -> None:
        """As docs/operating.md says it."""
        self.guest.run("pvcreate -q /dev/vdb && vgcreate -q vg /dev/vdb && lvcreate -q --type thin-pool -l 90%FREE -n pool vg")

    def refusal(self) -> str:
        """What the server says when it will not start."""
        done = self.guest.run("blockstore-server serve --config /etc/blockstore-server/server.toml", check=False, timeout=_LONG)
        assert done.code == 1, done
        return done.stderr

    def start(self) -> None:
        """The unit, with the drop-in that the package ships for LVM and LIO."""
        example = "/usr/share/doc/blockstore-server/examples/blockstore-server-root.conf"
        start = "systemctl daemon-reload && systemctl start blockstore-server"
        self.guest.run(f"cp {example} {DROP_INS}/root.conf && {start}", timeout=_LONG)

    def ask(self, script: str) -> Any:
        """Run Python with a ``client`` of the operators' listener; gives what it leaves in ``answer``."""
        text = f"from asking import *\nanswer = None\n{script}\nprint(json.dumps(answer))\n"
        python = ["env", "PYTHONPATH=/usr/local/lib", "python3", "-"]
        return json.loads(self.guest.run(python, stdin=text.encode(), timeout=_LONG).stdout)

    def dies_at(self, step: str, script: str) -> None:
        """The server is killed before this step of what ``script`` asks for; systemd starts it again."""
        before = self.pid
        self.guest.write("/run/kill-at", step.encode())
        refused = "try:\n    " + script.replace("\n", "\n    ") + "\nexcept Exception as error:\n    answer = str(error)"
        self.ask(refused)
        self.wait_back()
        assert self.pid != before

    def wait_back(self) -> None:
        """Wait until it has been killed, and systemd has started it again."""
        gone = "while [ -e /run/kill-at ]; do sleep 0.2; done"
        back = "until systemctl is-active -q blockstore-server; do sleep 0.2; done"
        self.guest.run(f"{gone}; {back}", timeout=_LONG)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return int(self.guest.run("systemctl show -P MainPID blockstore-server").stdout)

    def logical_volumes(self) -> set[str]:
        """Everything in the group, what LVM hides aside."""
        return set(self.guest.run("lvs --noheadings -o lv_name vg").stdout.split())

    def exported(self) -> set[str]:
        """The ids of volumes that are exported: targets and backstores say the same, or something is left over."""
        tree = "/sys/kernel/config/target"
        targets = self.guest.run(f"ls {tree}/iscsi | grep ^iqn || :").stdout.split()
        stores = self.guest.run(f"ls -d {tree}/core/*_*/*/ 2>/dev/null || :").stdout.split()
        found = {name.rpartition("volume-")[2] for name in targets}
        assert found == {Path(name).name.removeprefix("blockstore-") for name in stores}
        return found

    def inquiry(self, identifier: str, *, initiator: str, user: str, password: str) -> str:
        """What another initiator on this machine gets: the volume's serial, or why not."""
        url = f"iscsi://{user}%{password}@{ADDRESSES[0]}/iqn.2010-10.org.openstack:volume-{identifier}/1"
        done = self.guest.run(["iscsi-inq", "-i", initiator, "-e", "1", "-c", "0x80", url], check=False)
        return done.stdout + done.stderr
