"""Writing partition tables, with udev kept away meanwhile, and showing them to the kernel."""

from __future__ import annotations

import os

from blockstore.errors import Refused
from blockstore.run import Command
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import content, gpt
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.usage import claimed
from cc_blockstore.plan.content import Partition
from cc_blockstore.plan.gpt import Gpt

# A write that has begun is not cut short by the deadline: half a file system would be worse than a late one.
WRITE_SECONDS = 300.0


def show(machine: Machine, node: str, table: Gpt, deadline: Deadline) -> tuple[tuple[Partition, ...], bool]:
    """Have the kernel show exactly what the table says; the partitions, and whether it showed something else before."""
    wanted = gpt.partitions(node, table)
    changed = gpt.show(machine, node, wanted, content.partitions(machine, node))
    for each in wanted:
        wait_for(f"the node of {each.node}", lambda node=each.node: _there(machine, node), deadline)  # type: ignore[misc]
    return wanted, changed


def _there(machine: Machine, node: str) -> bool | None:
    return os.path.exists(machine.paths.node(node)) or None


def clear(machine: Machine, node: str) -> None:
    """Destroy what is there, as far as anybody would recognise it: the kernel's partitions, then every signature.

    wipefs takes the device for itself (O_EXCL), and fails where somebody else has it.
    """
    gpt.show(machine, node, (), content.partitions(machine, node))
    wipe(machine, node)


def wipe(machine: Machine, node: str) -> None:
    """Take away every signature of this device, so that no mkfs takes what was begun, or is to go, for something to be kept."""
    machine.run(Command(("wipefs", "--all", "--quiet", node)), timeout=60)


def bare(machine: Machine, node: str) -> None:
    """The last look before something is made on what is empty: raise `Refused` where wipefs knows of a signature.

    It also takes for one what blkid passes over: superblocks whose checksum is wrong, a GPT without its protective MBR.
    """
    done = machine.run(Command(("wipefs", "--no-act", "--noheadings", "--output", "TYPE,OFFSET", node)), timeout=60)
    found = "; ".join(" at ".join(line.split()) for line in done.stdout.splitlines())
    if found:
        raise Refused(f"refusing to write to {node}: found {found}", hint="if nothing of it is needed, take it away with wipefs")


def unclaimed(machine: Machine, node: str) -> None:
    """Raise `Refused` where a process has the disk for itself (open(2), O_EXCL), which sysfs does not show.

    mkfs looks for itself; what we write to the disk ourselves does not.
    """
    if claimed(machine, node):
        raise Refused(f"refusing to write to {node}: another process has it open for itself", hint="end that use first")
