"""The command line of one virtual machine; pure."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from testbed.accelerator import QEMU, Accelerator
from testbed.link import Plug

# Fixed: a static network-config in a seed may match it. Every guest has a network of its own, so all may share it.
MAC = "52:54:00:b1:0c:01"
AGENT_PORT = "org.qemu.guest_agent.0"
EVENTS_PORT = "testbed.events"
RESULTS_PORT = "testbed.results"

# In order of effect under emulation. Nothing secret may stand here: every user of the guest reads /proc/cmdline.
KERNEL_ARGUMENTS = (
    "console=ttyS0", "loglevel=4", "panic=-1",
    "mitigations=off", "apparmor=0", "lsm=capability", "audit=0", "nokaslr", "init_on_alloc=0", "no_timer_check",
    "tsc=reliable", "random.trust_cpu=on", "net.ifnames=0", "systemd.show_status=0",
    "transparent_hugepage=never", "rcupdate.rcu_expedited=1", "preempt=none",
    # Read by systemd as a variable: no filters are made for its own daemons.
    "SYSTEMD_SECCOMP=0",
    # Every process at the same addresses: QEMU translates code again for each address that it is seen at.
    "norandmaps",
)  # fmt: skip


@dataclass(frozen=True)
class Disk:
    """A disk beside the root: a raw or qcow2 file, its serial (at most 20 characters, see virtio-blk), writable or not."""

    path: Path
    serial: str
    format: str = "raw"
    readonly: bool = False


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Numbers of the open sockets that QEMU inherits: passed by number, so no path has to be short, free or waited for."""

    monitor: int
    agent: int
    events: int


@dataclass(frozen=True, kw_only=True)
class Machine:
    """All that QEMU has to know for one power-on."""

    name: str
    uuid: UUID  # the same at each power-on of a guest: an instance is known by it
    kernel: Path
    initrd: Path
    disks: tuple[Disk, ...]  # the first is the root
    memory: int  # MiB
    console: Path
    results: Path
    kernel_arguments: tuple[str, ...] = ()
    plug: Plug | None = None  # a second network card, eth1, on a cable to another guest
    ipv6: bool = False  # beside IPv4: fec0::/64, the host's ::1 is fec0::2; off it saves the wait for addresses

    @property
    def inherited(self) -> tuple[int, ...]:
        """The open descriptors that its command line names, those of the `Channels` aside."""
        return (self.plug.descriptor,) if self.plug else ()


def command(machine: Machine, channels: Channels, accelerator: Accelerator) -> list[str]:
    """QEMU's argv. A guest's reboot ends it (-no-reboot): a reset inside one QEMU is several times slower under TCG."""
    append = " ".join((*KERNEL_ARGUMENTS, *machine.kernel_arguments))
    # fmt: off
    return [
        QEMU, "-name", machine.name, "-uuid", str(machine.uuid),
        *accelerator.arguments, "-m", f"{machine.memory}M",
        "-machine", "q35,usb=off,vmport=off,hpet=off,sata=off,smbus=off",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", str(machine.kernel), "-initrd", str(machine.initrd), "-append", append,
        "-chardev", f"file,id=console,path={_escaped(machine.console)},append=on", "-serial", "chardev:console",
        "-chardev", f"socket,id=monitor,fd={channels.monitor}", "-mon", "chardev=monitor,mode=control",
        "-device", "virtio-serial-pci",
        *_port(AGENT_PORT, f"socket,id=agent,fd={channels.agent}", "agent"),
        *_port(EVENTS_PORT, f"socket,id=events,fd={channels.events}", "events"),
        *_port(RESULTS_PORT, f"file,id=results,path={_escaped(machine.results)},append=on", "results"),
        "-device", "virtio-rng-pci",
        "-netdev", f"user,id=net,ipv4=on,ipv6={'on' if machine.ipv6 else 'off'}",
        "-device", f"virtio-net-pci,id=nic,netdev=net,mac={MAC},romfile=",
        *_cable(machine.plug),
        *(word for number, disk in enumerate(machine.disks) for word in _disk(number, disk)),
    ]
    # fmt: on


def _escaped(path: Path) -> str:
    """A comma in a value of QEMU's options is written twice."""
    return str(path).replace(",", ",,")


def _port(name: str, chardev: str, identity: str) -> list[str]:
    return ["-chardev", chardev, "-device", f"virtserialport,chardev={identity},name={name}"]


def _cable(plug: Plug | None) -> list[str]:
    if plug is None:
        return []
    network = f"dgram,id=link,local.type=fd,local.str={plug.descriptor}"
    return ["-netdev", network, "-device", f"virtio-net-pci,id=linknic,netdev=link,mac={plug.mac},romfile="]


def _disk(number: int, disk: Disk) -> list[str]:
    identity = f"disk{number}"
    access = "readonly=on" if disk.readonly else "cache=unsafe,discard=unmap,detect-zeroes=unmap"
    drive = f"if=none,id={identity},file={_escaped(disk.path)},format={disk.format},{access}"
    return ["-drive", drive, "-device", f"virtio-blk-pci,drive={identity},serial={disk.serial}"]
