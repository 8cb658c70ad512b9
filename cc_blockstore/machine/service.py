"""What systemd's units have to do with us."""

from __future__ import annotations

from blockstore.run import Command
from cc_blockstore.machine.machine import Machine


def arm_logout(machine: Machine) -> None:
    """Have open-iscsi.service count as started, so that its stop logs our sessions out at the first shutdown as well.

    It was skipped at this boot, there being no record yet; its start finds the sessions and does nothing. Without it the
    kernel would wait for disks behind a network that is gone. --no-block: the config stage must wait for no unit, and it does
    not wait for systemctl either. A system that has no such unit logs out in its own way.
    """
    marker = machine.paths.run / "logout-armed"
    if marker.exists() or not (machine.paths.root / "run/systemd/system").is_dir():
        return
    machine.launch(Command(("systemctl", "start", "--no-block", "open-iscsi.service")))
    marker.touch()
