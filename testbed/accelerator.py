"""Whether this machine's hardware virtualisation is worth using, and how QEMU is to emulate where it is not."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from testbed.command import run

QEMU = "qemu-system-x86_64"


@dataclass(frozen=True)
class Accelerator:
    """QEMU's arguments for one way to run a guest; `slowdown` multiplies the time that a step may take."""

    arguments: tuple[str, ...]
    slowdown: float


def choose(cpuinfo: str, kvm_writable: bool, version: tuple[int, int]) -> Accelerator:
    """Decide from /proc/cpuinfo's text, whether /dev/kvm is writable, and QEMU's version.

    A /dev/kvm without vmx or svm exists (a paravirtual one): it makes a VM and then runs a stock kernel one emulated
    instruction at a time, so that the boot never ends. QEMU before 8.0 corrupts Linux guests at random when emulating with
    several threads.
    """
    if kvm_writable and re.search(r"^flags\s*:.*\b(vmx|svm)\b", cpuinfo, re.MULTILINE):
        return Accelerator(("-accel", "kvm", "-cpu", "host", "-smp", "2"), 1.0)
    # Not "max": its AVX makes every memcpy dearer to emulate, and its svm and aes make udev load modules.
    threads = "single" if version < (8, 0) else "multi"
    # A larger translation cache keeps the whole boot's code: with the default it is thrown away and made again.
    return Accelerator(("-accel", f"tcg,thread={threads},tb-size=1024", "-cpu", "Nehalem,+rdrand", "-smp", "1"), 8.0)


def parse_version(text: str) -> tuple[int, int]:
    """(7, 2) from `QEMU emulator version 7.2.22 (Debian …)`."""
    found = re.search(r"version (\d+)\.(\d+)", text)
    if found is None:
        raise ValueError(f"QEMU's version is not in {text[:80]!r}")
    return int(found[1]), int(found[2])


@cache
def this_machine() -> Accelerator:
    """`choose` for the machine that we run on."""
    version = parse_version(run([QEMU, "--version"]).decode())
    return choose(Path("/proc/cpuinfo").read_text(), os.access("/dev/kvm", os.W_OK), version)
