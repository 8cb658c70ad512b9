"""`make demo`: a metadata server, three volumes, a seed ISO, and a guest that boots and comes up with them mounted."""

from __future__ import annotations

import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from blockstore import report
from blockstore.report import Report, Result
from testbed import image
from testbed.guest import Guest
from testbed.packages import newest_packages
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer

NAME = "web-1"
WISHES = """\
#cloud-config
blockstore:
  volumes:
    data: {mount: /srv/data, label: data, options: [noatime]}
    logs: {partition_table: none, filesystem: xfs, mount: /srv/logs}
    scratch:
      partitions:
        - {size: 512MiB, filesystem: ext4, mount: /srv/scratch}
        - {size: rest, filesystem: swap}
"""
VOLUMES = ("data", "logs", "scratch")
WIDTH = 32


@dataclass(frozen=True)
class Moment:
    """Something that took from ``begin`` to ``end``, in seconds from power-on."""

    what: str
    begin: float
    end: float


def main(suite: str = "trixie") -> int:
    """Run the demonstration; 0 where every volume came up."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="blockstore-demo-") as folder, LocalServer(Path(folder) / "state") as server:
        console.print(
            f"[bold]server[/] instances ask {server.addresses.endpoint}, volumes come from {server.addresses.portal_advertised}"
        )
        server.create_instance(NAME, user_data=WISHES, network_config=yaml.safe_dump(STATIC_NETWORK))
        for volume in VOLUMES:
            server.create_volume(volume)
            server.attach(volume, NAME, mutual=volume == "scratch")
        console.print(
            f"[bold]volumes[/] {', '.join(VOLUMES)}: 1 GiB each, reserved for {NAME}, a CHAP secret of its own for each"
        )
        seed = server.seed(NAME, Path(folder) / "seed.iso")
        packages = newest_packages()
        with console.status(f"building a Debian {suite} guest with {packages[-1].name if packages else 'no package'}"):
            disk = image.build(suite, packages)
        with Guest(disk, Path(folder) / suite, seed_iso=seed, datasources=["BlockStore", "None"]) as guest:
            return _boot(console, guest, server)


def _boot(console: Console, guest: Guest, server: LocalServer) -> int:
    guest.start()
    console.print(f"[bold]guest[/] {guest.image.suite} is switched on and boots from the seed ISO")
    with console.status("booting") as status:
        guest.wait_agent()
        status.update("booting: systemd runs, cloud-init is on its way")
        booted = guest.wait_booted()
    told = server.report(NAME)
    if told is None:
        console.print("[red]the guest reported nothing[/]", guest.diagnosis())
        return 1
    heard = report.from_wire(told)
    console.print(_table(heard))
    console.print(_timeline(_moments(guest, heard, booted.seconds)))
    devices = " ".join(f"/dev/disk/by-blockstore/{name}" for name in VOLUMES)
    console.print(guest.run(f"lsblk -o NAME,SIZE,FSTYPE,LABEL,MOUNTPOINTS {devices}").stdout)
    guest.shutdown()
    return 0 if heard.healthy and len(heard.volumes) == len(VOLUMES) else 1


def _table(heard: Report) -> Table:
    table = Table(title="what the guest reported to the server", title_justify="left")
    for column in ("volume", "result", "device", "file systems", "reason"):
        table.add_column(column)
    for volume in heard.volumes:
        carried = "\n".join(f"{each.type} on {each.mount or each.device}" for each in volume.filesystems)
        colour = "green" if volume.result is Result.OK else "red"
        table.add_row(volume.name, f"[{colour}]{volume.result.value}[/]", volume.device, carried, volume.reason)
    return table


def _moments(guest: Guest, heard: Report, booted: float) -> list[Moment]:
    """The boot in seconds from power-on: the kernel's and systemd's part, then each step, then the end of cloud-init."""
    now, uptime = (float(each) for each in guest.run("date +%s.%N; cut -d' ' -f1 /proc/uptime").stdout.split())
    power_on = now - uptime - guest.clock_offset()
    begun = datetime.datetime.fromisoformat(heard.started).timestamp() - power_on
    steps = [
        Moment(f"{volume.name} {step.step}", begun + step.start_ms / 1000, begun + (step.start_ms + step.ms) / 1000)
        for volume in heard.volumes
        for step in volume.steps
    ]
    mounted = max(step.end for step in steps)
    own = Moment("the module as a whole", begun, begun + heard.duration_ms / 1000)
    before = Moment("until the module starts", 0, begun)
    over = Moment("cloud-init is done", booted, booted)
    return [before, *steps, own, Moment("all volumes mounted", mounted, mounted), over]


def _timeline(moments: list[Moment]) -> Table:
    whole = max(each.end for each in moments)
    table = Table(title="from power-on", title_justify="left", box=SIMPLE)
    table.add_column("what", no_wrap=True)
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in moments:
        first, last = (round(second / whole * (WIDTH - 1)) for second in (each.begin, each.end))
        bar = " " * first + "█" * (last - first + 1)
        table.add_row(each.what, f"{each.begin:.1f} s", f"{each.end - each.begin:.1f} s" if each.end > each.begin else "", bar)
    return table
