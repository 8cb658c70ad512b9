"""What a script does once it has the disk, the usual way: sfdisk, settle, mkfs.ext4, a line in fstab, mount."""

from __future__ import annotations

import subprocess
from pathlib import Path

from machine import run


def finish(device: str, point: str) -> None:
    """Partition, format and mount a disk (``/dev/sda``), unless that was done before."""
    partition = f"{device}1"
    if subprocess.run(["blkid", "-o", "value", "-s", "TYPE", partition], capture_output=True, check=False).returncode:
        subprocess.run(["sfdisk", "--quiet", device], input=b"label: gpt\ntype=linux\n", capture_output=True, check=True)
        run("udevadm", "settle")
        run("mkfs.ext4", "-q", partition)
    Path(point).mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mountpoint", "--quiet", point], check=False).returncode:
        with open("/etc/fstab", "a") as fstab:
            fstab.write(f"{partition} {point} ext4 defaults,_netdev,nofail 0 2\n")
        run("mount", point)
