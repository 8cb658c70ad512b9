"""One virtual machine with a disk of its own that survives power cuts.

    with Guest(image, directory, seed_iso=iso) as guest:
        guest.start()
        guest.wait_booted()
        guest.run("findmnt /srv/data")
        guest.power_cut()

A reboot is a new QEMU on the same disk: a reset inside one QEMU takes several times as long under emulation. Guests need no
free ports or paths, so any number may run side by side; the host's 127.0.0.1 is 10.0.2.2 in each of them.
"""

import functools
import shlex
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testbed import evidence, initrd, overlay, qemu
from testbed.accelerator import this_machine
from testbed.agent import CommandTimeout, Completed, shown
from testbed.boot import Boot, GuestCommandFailed, GuestFailed
from testbed.command import CommandFailed
from testbed.image import Image
from testbed.initrd import File
from testbed.jsonline import Gone
from testbed.link import Plug
from testbed.power import Power
from testbed.qemu import Disk

__all__ = ["Boot", "Completed", "Disk", "File", "Guest", "GuestCommandFailed", "GuestFailed"]

HOST = "10.0.2.2"  # the host's 127.0.0.1, as a guest sees it
ADDRESS = "10.0.2.15"  # a guest's own address

_BOOT, _LAST_WORD = 300.0, 10.0
_CONSOLE_TAIL, _QEMU_TAIL, _LOG_TAIL = 60, 20, 60
_COLLECTED = ("/var/log", "/run/cloud-init", "/run/blockstore", "/etc/fstab", "/var/lib/blockstore")


class Guest:
    """A virtual machine; off until `start()`, killed at the end of its `with` block.

    image: what its disk starts from. directory: its own folder, made if need be: disk.qcow2, console.log, qemu.log.
    seed_iso: attached as a second, read-only disk; `guest.seed_iso` may be set to another, or None, between two boots.
    injected: files (absolute path to content, or `File` with a mode) that the disk has before it first starts.
    datasources: cloud-init's datasource_list for this guest, None: what the installed packages say.
    memory: MiB. disks: more disks, from /dev/vdb (without a seed) or /dev/vdc on; identify them by serial.
    ipv6: whether its network speaks IPv6 too; give it an address by the seed's network (testbed.seed.DUAL_NETWORK).
    kernel_arguments: more of them, such as `ds=nocloud`; never a secret.
    plug: an end of a `testbed.link.Link`: eth1, on a cable to another guest.
    The disk is removed at the end unless an exception passes through.
    """

    def __init__(
        self,
        image: Image,
        directory: Path,
        *,
        seed_iso: Path | None = None,
        injected: Mapping[str, bytes | File] | None = None,
        datasources: Sequence[str] | None = None,
        memory: int = 1024,
        disks: Sequence[Disk] = (),
        kernel_arguments: Sequence[str] = (),
        ipv6: bool = False,
        plug: Plug | None = None,
    ) -> None:
        self.image, self.directory = image, directory
        self.seed_iso = seed_iso
        self.disks = tuple(disks)
        self.kernel_arguments = tuple(kernel_arguments)
        self.boots: list[Boot] = []
        self._memory, self._ipv6, self._plug = memory, ipv6, plug
        self._uuid = uuid.uuid4()
        self._first_files = dict(injected or {})
        if datasources is not None:
            listed = f"datasource_list: [ {', '.join(datasources)} ]\n"
            self._first_files["/etc/cloud/cloud.cfg.d/99_testbed_datasources.cfg"] = File(listed.encode())
        self._power: Power | None = None
        self._console_before = 0
        directory.mkdir(parents=True, exist_ok=True)

    def start(self, inject: Mapping[str, bytes | File] | None = None) -> None:
        """Switch it on and return at once; `inject`: files to lay onto the disk before this boot."""
        if self.running:
            raise RuntimeError("the guest is running already")
        files = dict(inject or {})
        if not self._disk.exists():
            overlay.create(self.image.root, self._disk)
            files = self._first_files | files
        ramdisk = self.directory / "initrd"
        ramdisk.write_bytes(self.image.initrd.read_bytes() + initrd.injection(files))
        self._console_before = len(self._console())
        machine = self._machine(ramdisk)
        self._close()
        describe = functools.partial(qemu.command, machine, accelerator=this_machine())
        self._power = Power(describe, self.directory / "qemu.log", inherited=machine.inherited)

    def wait_booted(self, deadline: float = _BOOT) -> Boot:
        """Wait until cloud-init's final stage is over, at most `deadline` seconds; GuestFailed when it does not come to that.

        The guest says so itself, from a unit that systemd orders after cloud-final.service: nothing in it is polled.
        """
        try:
            name, uptime = self._on.event(deadline).split()
        except (TimeoutError, Gone) as error:
            raise self._failed(f"not booted within {deadline:g} s ({error or 'still running'})") from error
        assert name == "booted", name
        boot = Boot(float(uptime), float(uptime) + self.clock_offset())
        self.boots.append(boot)
        return boot

    def wait_agent(self, deadline: float = _BOOT) -> None:
        """Wait until commands can be run, which is long before the boot is over; GuestFailed after `deadline` seconds."""
        try:
            self._on.agent.ready(deadline)
        except (TimeoutError, Gone) as error:
            raise self._failed(f"its agent did not answer within {deadline:g} s ({error or 'still running'})") from error

    def wait_off(self, deadline: float = 120) -> None:
        """Wait until it has switched itself off or reset itself; GuestFailed after `deadline` seconds."""
        try:
            code = self._on.wait_off(deadline)
        except TimeoutError as error:
            raise self._failed(f"still on after {deadline:g} s") from error
        if code != 0:
            raise self._failed(f"QEMU ended with {code}")

    def shutdown(self, deadline: float = 120) -> None:
        """Shut down cleanly, as `systemctl poweroff` does, and wait until it is off."""
        self.wait_agent()
        # No answer is waited for: the guest may be off before its agent gives one.
        self._on.agent.start(["/bin/systemctl", "--no-block", "poweroff"])
        self.wait_off(deadline)

    def reboot(self, deadline: float = _BOOT) -> Boot:
        """Shut down cleanly, switch on again and wait until booted."""
        self.shutdown()
        self.start()
        return self.wait_booted(deadline)

    def power_cut(self) -> None:
        """Cut the power: what the guest had flushed is on its disk, what it had not is lost."""
        self._on.cut()

    @property
    def running(self) -> bool:
        """Whether it is switched on."""
        return self._power is not None and self._power.running

    @property
    def power_on_seconds(self) -> float:
        """The host's time.monotonic() at the latest power-on."""
        return self._on.power_on

    def clock_offset(self) -> float:
        """Seconds to add to the guest's uptime, in this boot, to get seconds from power-on; right to about 50 ms."""
        before = time.monotonic()
        uptime = float(self.read("/proc/uptime").split()[0])
        # The command's own start is the larger part of the round trip, so its read is near the middle.
        return (before + time.monotonic()) / 2 - self._on.power_on - uptime

    # Inside the running guest.

    def run(self, command: str | Sequence[str], *, timeout: float = 120, check: bool = True, stdin: bytes = b"") -> Completed:
        """Run `command` as root: a string by /bin/sh, a list as it is. Waits for the agent first, so early calls are fine.

        GuestCommandFailed when it does not end with 0 and `check`; GuestFailed when it does not end in `timeout` seconds.
        """
        code, out, err = self._run(command, timeout, stdin)
        completed = Completed(code, out.decode(errors="replace"), err.decode(errors="replace"))
        if check and code != 0:
            raise GuestCommandFailed(shown(command), completed)
        return completed

    def read(self, path: str) -> bytes:
        """The content of a file of at most 16 MiB; GuestCommandFailed when it cannot be read."""
        code, out, err = self._run(["/bin/cat", "--", path], 60, b"")
        if code != 0:
            raise GuestCommandFailed(f"cat {path}", Completed(code, "", err.decode(errors="replace")))
        return out

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Write a file, its folders too; complete and with its mode from the start of its name, and flushed."""
        name = shlex.quote(path)
        script = f"mkdir -p $(dirname {name}) && umask 077 && cat >{name}.new && chmod {mode:o} {name}.new"
        self.run(f"{script} && mv {name}.new {name} && sync {name}", stdin=content)

    def monitor(self, command: str, **arguments: Any) -> Any:
        """A command of QEMU's own monitor (QMP), such as `set_link` with name="nic", up=False: the network cable."""
        return self._on.monitor(command, {name.replace("_", "-"): value for name, value in arguments.items()})

    def collect(self, paths: Sequence[str] = _COLLECTED) -> dict[str, bytes]:
        """The regular files below `paths` that are there, by absolute path, of any size (over a virtio-serial port)."""
        results = self.directory / "results"
        before = results.stat().st_size
        wanted = " ".join(shlex.quote(path.lstrip("/")) for path in paths)
        # tar ends with 1 when a log grows while it is read. Sparse and special files are left to their names.
        script = f"cd /; ls -d {wanted} 2>/dev/null | tar -c --ignore-failed-read -T - >/dev/virtio-ports/{qemu.RESULTS_PORT}"
        self.run(f"{script} || [ $? -eq 1 ]", timeout=180)
        with results.open("rb") as file:
            file.seek(before)
            return evidence.members(file.read())

    # What is left of it.

    @property
    def console(self) -> str:
        """All that its serial console has shown, every boot after the other."""
        return self._console().decode(errors="replace")

    @property
    def boot_console(self) -> str:
        """What its serial console has shown since the latest power-on."""
        return self._console()[self._console_before :].decode(errors="replace")

    def read_disk(self, path: str) -> bytes:
        """A file's content as it is on the disk of a guest that is off (debugfs); FileNotFoundError when it is not there."""
        return overlay.read(self._disk, path)

    def diagnosis(self) -> str:
        """The ends of the console, of QEMU's messages and of the guest's cloud-init.log, however dead it is."""
        parts = {
            "console": evidence.tail(self.console, _CONSOLE_TAIL),
            "qemu": evidence.tail(evidence.content(self.directory / "qemu.log").decode(errors="replace"), _QEMU_TAIL),
            "cloud-init.log": evidence.tail(self._log("/var/log/cloud-init.log"), _LOG_TAIL),
        }
        return evidence.report(self.directory.name, parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()
        if kind is None:
            self._disk.unlink(missing_ok=True)
            (self.directory / "initrd").unlink(missing_ok=True)

    @property
    def _disk(self) -> Path:
        return self.directory / "disk.qcow2"

    @property
    def _on(self) -> Power:
        if self._power is None:
            raise RuntimeError("the guest was never started")
        return self._power

    def _machine(self, ramdisk: Path) -> qemu.Machine:
        seed = () if self.seed_iso is None else (Disk(self.seed_iso, "seed", readonly=True),)
        results = self.directory / "results"
        results.touch()
        return qemu.Machine(
            name=self.directory.name,
            uuid=self._uuid,
            kernel=self.image.kernel,
            initrd=ramdisk,
            disks=(Disk(self._disk, "root", format="qcow2"), *seed, *self.disks),
            memory=self._memory,
            console=self.directory / "console.log",
            results=results,
            kernel_arguments=("root=/dev/vda", *self.kernel_arguments),
            ipv6=self._ipv6,
            plug=self._plug,
        )

    def _run(self, command: str | Sequence[str], timeout: float, stdin: bytes) -> tuple[int, bytes, bytes]:
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        self.wait_agent()
        try:
            return self._on.agent.run(argv, stdin, timeout)
        except (CommandTimeout, TimeoutError, Gone) as error:
            raise self._failed(f"{shown(command)}: {error or 'no answer from its agent'}") from error

    def _failed(self, what: str) -> GuestFailed:
        return GuestFailed(f"guest {self.directory.name}: {what}{self.diagnosis()}")

    def _log(self, path: str) -> str:
        """A log of the guest: asked of itself while it answers, else from its disk."""
        try:
            if self.running:
                self._on.agent.ready(_LAST_WORD)
                return self._on.agent.run(["/bin/cat", "--", path], b"", _LAST_WORD)[1].decode(errors="replace")
        except (CommandTimeout, TimeoutError, Gone):
            pass
        try:
            return overlay.read(self._disk, path).decode(errors="replace")
        except (FileNotFoundError, CommandFailed) as error:
            return f"({error})"

    def _console(self) -> bytes:
        return evidence.content(self.directory / "console.log")

    def _close(self) -> None:
        if self._power is not None:
            self._power.close()
